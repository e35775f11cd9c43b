/**
 * Tells whether less than some time has passed since a moment. A moment that lies ahead means that the clock
 * was set back: what waits for its end must not wait for as long as the clock was set back.
 *
 * @param nowMs epoch ms
 * @param sinceMs epoch ms; `-Infinity` when it never was
 * @param forMs how long, in ms
 * @returns true from that moment on, until the time has passed
 */
export function isWithin(nowMs: number, sinceMs: number, forMs: number): boolean {
  return nowMs >= sinceMs && nowMs < sinceMs + forMs;
}
