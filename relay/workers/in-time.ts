/**
 * Bounds a wait.
 *
 * @param promise what is waited for
 * @param timeoutMs how long
 * @param what names it in the error
 * @returns what it resolves to
 * @throws {Error} it took longer
 */
export async function inTime<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
