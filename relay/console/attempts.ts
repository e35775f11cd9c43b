import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** An attempt to sign in: what the provider's answer must fit, and where it leads. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string;
}

/** Attempts to sign in, between the browser's leaving and its coming back. */
export interface Attempts {
  /**
   * @param given the secret that the browser keeps already, if it does
   * @param returnTo where the sign-in leads
   * @returns the attempt, and the secret that the browser is to keep
   */
  begin(
    given: string | undefined,
    returnTo: string,
  ): { readonly browser: string; readonly attempt: Attempt };
  /** Takes an attempt, once, for the browser that began it. */
  take(browser: string | undefined, state: string): Attempt | undefined;
}

const LIFE_MS = 600_000;
/** Beyond this the earliest is forgotten: its code was used, and the provider takes no code twice. */
const MAX_USED = 1_000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * Makes attempts that travel, sealed, in their own `state`. Nothing is kept of those that do not come
 * back: whoever begins sign-ins by the million fills no memory, and pushes nobody else's out of it.
 *
 * @param now the clock, epoch ms
 * @returns the attempts; those of an earlier relay are not taken
 */
export function createAttempts(now: () => number): Attempts {
  const key = randomBytes(32);
  /** Nonces of attempts that came back. */
  const used = new Set<string>();

  function seal(browser: string, content: Readonly<Record<string, unknown>>): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(browser));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  function unseal(browser: string, state: string): (Attempt & { untilMs: number }) | undefined {
    const bytes = Buffer.from(state, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    const iv = bytes.subarray(0, IV_BYTES);
    const cipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(browser));
    cipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const content = Buffer.concat([
        cipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
        cipher.final(),
      ]);
      const read = JSON.parse(content.toString()) as Omit<Attempt, 'state'> & { untilMs: number };
      return { ...read, state };
    } catch {
      // Of another browser or another relay, or nobody's.
      return undefined;
    }
  }

  return {
    begin(given, returnTo) {
      const browser = given !== undefined && SECRET.test(given) ? given : newSecret();
      const parts = { nonce: newSecret(), verifier: newSecret(), returnTo };
      const state = seal(browser, { ...parts, untilMs: now() + LIFE_MS });
      return { browser, attempt: { ...parts, state } };
    },
    take(browser, state) {
      const found = browser === undefined ? undefined : unseal(browser, state);
      if (found === undefined || now() >= found.untilMs || used.has(found.nonce)) return undefined;
      const [earliest] = used;
      if (used.size >= MAX_USED && earliest !== undefined) used.delete(earliest);
      used.add(found.nonce);
      const { untilMs: _until, ...attempt } = found;
      return attempt;
    },
  };
}
