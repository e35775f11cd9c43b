import { z } from 'zod';
import { dpopKey, type DpopKey } from './proof.ts';

/** What the identity token said of the person; shown, never used to decide access. */
export interface IdentityClaims {
  readonly subject: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/** Everything one sign-in or refresh yields. Secret: it leaves the main process only towards the provider and the relay. */
export interface TokenSet {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  readonly identity?: IdentityClaims | undefined;
  readonly obtainedAtMs: number;
  readonly expiresAtMs: number;
  /** Space-separated, as granted; absent when the provider didn't say. */
  readonly scope?: string | undefined;
  /** Compared exactly; a refresh goes to this provider whatever the relay says later. */
  readonly issuer: string;
  readonly clientId: string;
  /** The relay for which the tokens were asked (RFC 8707). */
  readonly resource: string;
  readonly tokenType: 'bearer' | 'dpop';
  /** Endpoints of the provider that the relay's administrator set. */
  readonly endpoints?: Readonly<Record<string, string>> | undefined;
  /** What the tokens are bound to (RFC 9449 §5): the access token if its type is `dpop`, the refresh token in any case. */
  readonly dpopKey?: DpopKey | undefined;
  /** Set for a machine that has a key of its own (RFC 6749 §4.4): renewed by asking again, not by a refresh token. */
  readonly grant?: 'client_credentials' | undefined;
}

const storedTokens = z
  .object({
    accessToken: z.string().min(1),
    refreshToken: z.string().min(1).optional(),
    identity: z
      .object({ subject: z.string(), name: z.string().optional(), email: z.string().optional() })
      .optional(),
    obtainedAtMs: z.number(),
    expiresAtMs: z.number(),
    scope: z.string().optional(),
    issuer: z.string().min(1),
    clientId: z.string().min(1),
    resource: z.string().min(1),
    tokenType: z.enum(['bearer', 'dpop']),
    endpoints: z.record(z.string(), z.string()).optional(),
    dpopKey: dpopKey.optional(),
    grant: z.literal('client_credentials').optional(),
  })
  // Bound tokens without their key are worth nothing, to their owner as well.
  .refine((tokens) => tokens.tokenType === 'bearer' || tokens.dpopKey !== undefined);

const stored = z.object({ version: z.literal(1), tokens: storedTokens });

/**
 * Writes a token set as the text that a vault keeps.
 *
 * @param tokens the tokens
 * @returns versioned JSON; secret
 */
export function serializeTokenSet(tokens: TokenSet): string {
  return JSON.stringify({ version: 1, tokens });
}

/**
 * Reads what {@link serializeTokenSet} wrote.
 *
 * @param text the vault's text
 * @returns the tokens, or `undefined` when the text is damaged or of another version: sign in again
 */
export function parseTokenSet(text: string): TokenSet | undefined {
  try {
    const result = stored.safeParse(JSON.parse(text));
    return result.success ? result.data.tokens : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells whether a session can go on without anybody's help when its access token ends.
 *
 * @param tokens the tokens
 * @returns true with a refresh token, and for machines
 */
export function isRenewable(tokens: TokenSet): boolean {
  return tokens.refreshToken !== undefined || tokens.grant === 'client_credentials';
}

/**
 * Tells when something has to be done about a session's tokens.
 *
 * @param tokens the tokens
 * @returns epoch ms: when to renew them, or their end when they can't be
 */
export function dueAtMs(tokens: TokenSet): number {
  return isRenewable(tokens) ? refreshDueAtMs(tokens) : tokens.expiresAtMs;
}

/** Whatever life the provider gives a token, it is used for so long: whether it is still good the relay says. */
const leastUseMs = 1000;

/**
 * Tells when a token set should be renewed: at 80 % of its life and at least 30 s before its end,
 * but not before half of its life, nor within a second, so that very short lives don't refresh without pause.
 *
 * @param tokens the tokens
 * @returns epoch ms
 */
export function refreshDueAtMs(tokens: TokenSet): number {
  const lifeMs = Math.max(0, tokens.expiresAtMs - tokens.obtainedAtMs);
  const early = Math.min(tokens.obtainedAtMs + 0.8 * lifeMs, tokens.expiresAtMs - 30_000);
  return Math.max(tokens.obtainedAtMs + Math.max(leastUseMs, 0.5 * lifeMs), early);
}
