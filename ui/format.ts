/**
 * A size for people.
 *
 * @param bytes the number of bytes
 * @returns such as `1.4 MB`; powers of 1024
 */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/**
 * A duration for people.
 *
 * @param durationMs milliseconds
 * @returns such as `42 ms`, `1.3 s` or `2 min 5 s`
 */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * A time of day, with the day where it isn't today's.
 *
 * @param at RFC 3339
 * @param now the day that goes without saying
 * @returns in the person's own zone
 */
export function formatTime(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })}, ${time}`;
}

const eventNames: Readonly<Record<string, string>> = {
  'sign-in': 'Signed in',
  'sign-out': 'Signed out',
  refresh: 'Session renewed',
  'step-up': 'Asked for a stronger sign-in',
  config: 'Settings changed',
  'admin-read': 'Audit read',
  erase: 'Person erased',
  hold: 'Legal hold changed',
  expire: 'Old records expired',
  interrupted: 'Cut off by a crash',
  outcome: 'Ended',
  gap: 'Nothing could be recorded for a while',
  anomaly: 'Unusual',
  export: 'Audit exported',
  start: 'Latchkey started',
  stop: 'Latchkey stopped',
};

/**
 * What an audit event other than a request is called.
 *
 * @param kind the record's kind
 * @returns a few words
 */
export function eventName(kind: string): string {
  return eventNames[kind] ?? kind;
}

const statusWords: Readonly<Record<number, string>> = {
  101: 'stream',
  200: 'OK',
  201: 'created',
  202: 'accepted',
  204: 'no content',
  206: 'partial',
  304: 'not modified',
  400: 'bad request',
  401: 'not signed in',
  403: 'forbidden',
  404: 'not found',
  405: 'method',
  409: 'conflict',
  413: 'too large',
  429: 'too many',
  500: 'server error',
  502: 'bad gateway',
  503: 'unavailable',
  504: 'timed out',
};

/**
 * How a request ended, so that it need not be told by colour.
 *
 * @param row status, Latchkey's own code and decision, as far as known
 * @returns such as `200 OK` or `403 scope`
 */
export function resultText(row: {
  readonly status?: number;
  readonly code?: string;
  readonly decision?: 'allow' | 'deny';
}): string {
  const word = row.code ?? (row.status === undefined ? undefined : statusWords[row.status]);
  const parts = [row.status, word].filter((part) => part !== undefined);
  if (parts.length > 0) return parts.join(' ');
  return row.decision === 'deny' ? 'denied' : 'ended';
}
