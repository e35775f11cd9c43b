import type { Fetch } from './outbound.ts';
import type { Step } from './provider-errors.ts';
import type * as client from 'openid-client';
import { transportReason } from './outbound.ts';
import { refused, unreachable } from './provider-errors.ts';

/** The provider has no such metadata document. */
export class NoSuchDocument extends Error {}

/**
 * Puts a time-out on the whole answer and turns what is not OAuth (HTML, empty) into an error by its status.
 *
 * @param fetch what to fetch with
 * @param issuer the provider
 * @param step which step it is for: only discovery may be redirected, once, on the same origin
 * @param timeoutMs of each answer, body included
 * @returns a fetch for openid-client
 */
export function guarded(
  fetch: Fetch,
  issuer: string,
  step: Step,
  timeoutMs: number,
): client.CustomFetch {
  const { host } = new URL(issuer);
  async function call(url: string, options: client.CustomFetchOptions): Promise<Response> {
    try {
      const init = { ...options, signal: AbortSignal.timeout(timeoutMs) } as RequestInit;
      const response = await fetch(url, init);
      const body = await response.text();
      const bodyless = response.status === 204 || response.status === 304;
      return new Response(bodyless ? null : body, response);
    } catch (error) {
      throw unreachable(host, transportReason(error), error);
    }
  }
  return async (url, options) => {
    let response = await call(url, options);
    const location = response.headers.get('location');
    if (
      step === 'discovery' &&
      location !== null &&
      response.status >= 300 &&
      response.status < 400
    ) {
      const next = new URL(location, url);
      if (next.origin === new URL(url).origin) response = await call(next.href, options);
    }
    const { status } = response;
    if (status < 400) return response;
    if (step === 'discovery' && status === 404) throw new NoSuchDocument(`${host} answers 404`);
    if (status >= 500 || status === 429 || status === 408) {
      throw unreachable(host, `it answers ${status}`);
    }
    if (await isOAuthError(response)) return response;
    // A gateway's own page is no word of the provider; only 400 and 401 are taken for its refusal.
    if (status === 400 || status === 401) throw refused(host, step, `HTTP ${status}`);
    throw unreachable(host, `it answers ${status}`);
  };
}

async function isOAuthError(response: Response): Promise<boolean> {
  if (!response.headers.get('content-type')?.includes('application/json')) return false;
  try {
    const body: unknown = await response.clone().json();
    return typeof body === 'object' && body !== null && 'error' in body;
  } catch {
    return false;
  }
}
