import { randomBytes } from 'node:crypto';

/** Browsers that signed out, and are to be led on to the provider. */
export interface Departures {
  /**
   * @param address of the provider's end of sessions, with the proof of which one
   * @param backTo where the provider leads the browser in the end
   * @returns the secret that the browser keeps, which is the `state` that it comes back with
   */
  add(address: string, backTo: string): string;
  /** Takes the address to go on to, once. */
  take(browser: string | undefined): string | undefined;
}

/** The page goes on at once; an ID token is not kept for one that does not. */
const LIFE_MS = 60_000;
const MAX_DEPARTURES = 1_000;

/**
 * Makes an empty store of departures.
 *
 * @returns the store
 * @see OpenID Connect RP-Initiated Logout 1.0 §2, §3
 */
export function createDepartures(): Departures {
  const departures = new Map<string, { readonly url: string; readonly timer: NodeJS.Timeout }>();

  function take(browser: string): string | undefined {
    const found = departures.get(browser);
    clearTimeout(found?.timer);
    departures.delete(browser);
    return found?.url;
  }

  return {
    add(address, backTo) {
      const state = randomBytes(32).toString('base64url');
      const url = new URL(address);
      url.searchParams.set('post_logout_redirect_uri', backTo);
      url.searchParams.set('state', state);
      const [oldest] = departures.keys();
      if (departures.size >= MAX_DEPARTURES && oldest !== undefined) take(oldest);
      const timer = setTimeout(() => departures.delete(state), LIFE_MS).unref();
      departures.set(state, { url: url.href, timer });
      return state;
    },
    take: (browser) => (browser === undefined ? undefined : take(browser)),
  };
}
