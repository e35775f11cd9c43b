import type { MadeToolKey, ToolKey } from '../main/agent/proxy/tool-key.ts';

/**
 * Lays out a new key for people: the one time that its secret is shown.
 *
 * @param made key and secret
 * @returns a few lines
 */
export function madeKeyText({ key, secret }: MadeToolKey): string {
  return `${secret}

This is the key “${key.name}” (${scopeText(key)}). It is shown only now: keep it where its tool keeps secrets.
Send it in the header X-Latchkey-Key, or as the user of the proxy's address.
`;
}

/**
 * Lays out the keys for people.
 *
 * @param keys as the agent lists them
 * @param nowMs epoch ms
 * @returns one line for each, under a heading
 */
export function toolKeysText(keys: readonly ToolKey[], nowMs: number): string {
  if (keys.length === 0) return 'No keys: `latchkey keys add NAME` makes one.\n';
  const rows = keys.map((key) => [
    key.id,
    key.name,
    scopeText(key),
    endText(key, nowMs),
    key.lastUsedAt === undefined ? 'never' : `${day(key.lastUsedAt)} ${tool(key)}`.trim(),
  ]);
  const table = [['ID', 'NAME', 'OPENS', 'ENDS', 'LAST USED'], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  return table
    .map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}\n`)
    .join('');
}

function scopeText({ apis, methods, readOnly }: ToolKey): string {
  const parts = [apis?.join(',') ?? 'every API'];
  if (readOnly === true) parts.push('read-only');
  if (methods) parts.push(methods.join(','));
  return parts.join('; ');
}

function endText({ expiresAt, lent }: ToolKey, nowMs: number): string {
  if (lent) return 'with its run';
  if (expiresAt === undefined) return 'never';
  return nowMs < Date.parse(expiresAt) ? day(expiresAt) : 'expired';
}

/** Tools name themselves: only what a terminal shows as it is. */
function tool({ lastTool }: ToolKey): string {
  return lastTool === undefined ? '' : `by ${lastTool.replaceAll(/[^\x20-\x7e]/g, '?')}`;
}

function day(time: string): string {
  return time.slice(0, 10);
}
