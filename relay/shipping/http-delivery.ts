import type { Answer } from './post.ts';
import type { Delivery } from './sink.ts';

const MOST_WAIT_MS = 3_600_000;

/** What is wrong is who asks, where, or when: no other batch would fare better. */
const NOT_THE_BATCH = new Set([401, 403, 404, 405, 407, 408, 410, 421, 425, 429, 451]);

/**
 * Reads when to try again.
 *
 * @param value of Retry-After: seconds or a date
 * @param nowMs epoch ms
 * @returns milliseconds, at most an hour; undefined for what is neither
 * @see RFC 9110 §10.2.3
 */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const waitMs = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MOST_WAIT_MS);
}

function reasonOf(status: number) {
  if (status === 401 || status === 403 || status === 407) return 'unauthorized';
  if (status === 429 || status === 503) return 'throttled';
  if (status >= 300 && status < 400) return 'redirect';
  return status >= 500 ? 'http_5xx' : 'http_4xx';
}

/**
 * Says what an answer means for the batch. Its body is left out: a sink may repeat there what it was sent.
 *
 * @param answer of a sink
 * @param nowMs epoch ms
 * @returns accepted for 2xx; rejected for a 4xx that is about the contents; failed for all others
 */
export function deliveryOf({ status, retryAfter }: Answer, nowMs: number): Delivery {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (status >= 400 && status < 500 && !NOT_THE_BATCH.has(status))
    return { kind: 'rejected', problem: `HTTP ${status}` };
  const reason = reasonOf(status);
  const waitMs = reason === 'throttled' ? retryAfterMs(retryAfter, nowMs) : undefined;
  return {
    kind: 'failed',
    reason,
    problem:
      reason === 'redirect' ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
}
