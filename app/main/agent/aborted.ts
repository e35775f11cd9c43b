/**
 * Waits for a signal.
 *
 * @param signal any; without one the wait has no end
 * @returns resolves once it is aborted
 */
export function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(undefined);
    else signal?.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
