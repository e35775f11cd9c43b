import type { ToolKeyView } from '../main/ipc/tool-key-views.ts';
import { formatSpan, listed } from '../../ui/format.ts';
import { outsideText } from '../../ui/outside-text.ts';

const dayMs = 86_400_000;

/** How long a new key may live; the empty value is for ever. */
export const lifetimes = [
  { label: '1 day', value: String(dayMs) },
  { label: '7 days', value: String(7 * dayMs) },
  { label: '30 days', value: String(30 * dayMs) },
  { label: '90 days', value: String(90 * dayMs) },
  { label: '1 year', value: String(365 * dayMs) },
  { label: 'Never', value: '' },
] as const;

/** The methods that a key can be limited to. */
export const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * What a key opens.
 *
 * @param key its limits
 * @returns such as `Every API, read-only` or `billing and payroll, GET and POST`
 */
export function scopeWords({ apis, methods, readOnly }: ToolKeyView): string {
  const what = [apis === undefined ? 'Every API' : listed(apis) || 'No API'];
  if (readOnly === true) what.push('read-only');
  if (methods !== undefined) what.push(listed(methods) || 'no method');
  return what.join(', ');
}

/**
 * When a key ends.
 *
 * @param key the key
 * @param nowMs epoch ms
 * @returns such as `in 30 days`
 */
export function endWords({ expiresAt, lent }: ToolKeyView, nowMs: number): string {
  if (lent === true) return 'with its run';
  if (expiresAt === undefined) return 'never';
  const leftMs = Date.parse(expiresAt) - nowMs;
  if (!(leftMs > 0)) return 'expired';
  return `in ${formatSpan(leftMs)}`;
}

/**
 * How long ago something was.
 *
 * @param at RFC 3339
 * @param nowMs epoch ms
 * @returns such as `5 min ago`
 */
export function agoWords(at: string, nowMs: number): string {
  const pastMs = nowMs - Date.parse(at);
  if (Number.isNaN(pastMs)) return 'at an unknown time';
  return pastMs < 60_000 ? 'just now' : `${formatSpan(pastMs)} ago`;
}

/**
 * When and by what a key was last used.
 *
 * @param key the key
 * @param nowMs epoch ms
 * @returns such as `5 min ago by curl`
 */
export function useWords({ lastUsedAt, lastTool }: ToolKeyView, nowMs: number): string {
  if (lastUsedAt === undefined) return 'never';
  const when = agoWords(lastUsedAt, nowMs);
  return lastTool === undefined ? when : `${when} by ${outsideText(lastTool)}`;
}

/**
 * A day.
 *
 * @param at RFC 3339
 * @returns in the person's own zone, such as `29 Nov 2026`; `unknown day` for what is none
 */
export function dayWords(at: string): string {
  const day = new Date(at);
  if (Number.isNaN(day.getTime())) return 'unknown day';
  return day.toLocaleDateString([], { day: 'numeric', month: 'short', year: 'numeric' });
}
