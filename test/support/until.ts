import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until something holds, asking again and again.
 *
 * @param what names it when it never comes: `the relay is ready`
 * @param holds any truthy answer says that it holds; what it throws ends the wait
 * @param options `timeoutMs` how long in all, generous by default as a busy machine takes its time; `everyMs`
 * the pause between two questions
 * @throws {Error} when it does not hold in time
 */
export async function until(
  what: string,
  holds: () => unknown,
  options: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const { timeoutMs = 60_000, everyMs = 10 } = options;
  const endsAtMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endsAtMs)
      throw new Error(`it did not come to be within ${timeoutMs} ms: ${what}`);
    await sleep(everyMs);
  }
}
