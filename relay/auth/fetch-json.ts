/** How a bounded fetch may behave. */
export interface FetchJsonOptions {
  readonly fetch: typeof globalThis.fetch;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** How many redirects to follow, on the same origin only. */
  readonly redirects: number;
  /** Ends the fetch early, as at shutdown. */
  readonly signal: AbortSignal;
}

/** A fetch that gave no JSON; the message names the address and is fit for logs and /readyz. */
export class FetchProblem extends Error {
  /** False when no HTTP answer came at all: another path on that server is not worth trying. */
  readonly answered: boolean;

  constructor(message: string, answered: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FetchProblem';
    this.answered = answered;
  }
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a redirect leads may have a token in its query. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : error.message;
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function redirectTarget(response: Response, from: string): Promise<string> {
  await response.body?.cancel();
  const location = response.headers.get('location') ?? '';
  const target = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (target?.origin !== new URL(from).origin)
    throw new FetchProblem(`${shown(from)} redirects to another origin, which is refused`, true);
  return target.href;
}

async function exchange(
  url: string,
  options: FetchJsonOptions,
  signal: AbortSignal,
): Promise<unknown> {
  let response: Response;
  try {
    response = await options.fetch(url, {
      redirect: 'manual',
      signal,
      headers: { accept: 'application/json, application/jwk-set+json' },
    });
  } catch (error) {
    throw new FetchProblem(`${shown(url)} cannot be reached: ${reason(error)}`, false, {
      cause: error,
    });
  }
  if (redirectStatuses.has(response.status) && options.redirects > 0) {
    const target = await redirectTarget(response, url);
    return await exchange(target, { ...options, redirects: options.redirects - 1 }, signal);
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new FetchProblem(`${shown(url)} answered ${response.status}`, true);
  }
  try {
    return JSON.parse(await readBounded(response, options.maxBytes));
  } catch (error) {
    const what = error instanceof SyntaxError ? 'did not answer with JSON' : reason(error);
    throw new FetchProblem(`${shown(url)}: ${what}`, true, { cause: error });
  }
}

/**
 * Gets one JSON document with every limit set: time, size, redirects.
 *
 * @param url absolute http(s) address, from configuration or discovery, never from a token
 * @param options limits and the fetch to use
 * @returns the parsed document
 * @throws {FetchProblem} no answer in time, another status, too large, not JSON, a refused redirect
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<unknown> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('the relay is shutting down'));
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${options.timeoutMs} ms`)),
    options.timeoutMs,
  );
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    options.signal.throwIfAborted();
    return await exchange(url, options, controller.signal);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}
