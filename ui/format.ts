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
  // Rounded first: 1023.9 KB would read as 1024 KB.
  while (Math.round(value) >= 1024 && unit < units.length - 1) {
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
 * @returns such as `42 ms`, `1.3 s`, `2 min 5 s` or `1 h 10 min`
 */
export function formatDuration(durationMs: number): string {
  if (Math.round(durationMs) < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A time of day, with the day where it isn't today's and the year where it isn't this year's.
 *
 * @param at RFC 3339
 * @param now the day that goes without saying
 * @returns in the person's own zone; `unknown time` for what is none
 */
export function formatTime(at: string, now: Date = new Date()): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'unknown time';
  const time = date.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  if (date.toDateString() === now.toDateString()) return time;
  const isThisYear = date.getFullYear() === now.getFullYear();
  const day = date.toLocaleDateString([], {
    month: 'short',
    day: 'numeric',
    ...(isThisYear ? {} : { year: 'numeric' }),
  });
  return `${day}, ${time}`;
}

/**
 * A number of things.
 *
 * @param count how many
 * @param noun one of them; more of them end in s
 * @returns such as `1 record` or `1,200 records`
 */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * A span of time for people, who need no seconds.
 *
 * @param spanMs milliseconds
 * @returns such as `5 min`, `1 hour` or `30 days`; never less than a minute
 */
export function formatSpan(spanMs: number): string {
  const minutes = Math.max(1, Math.round(spanMs / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? counted(hours, 'hour') : counted(Math.round(hours / 24), 'day');
}

/**
 * Words in a row.
 *
 * @param words any number
 * @returns such as `billing, legacy and payroll`
 */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
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
