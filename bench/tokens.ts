import { createPublicKey, randomUUID } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestIssuer, makeSigningKey, testAudience } from '../test/support/issuer.ts';
import type { Opened } from './opened.ts';
import { apiPath } from './peer.ts';

/** What every peer trusts, and tokens that it signed. */
export interface Authority {
  readonly issuer: string;
  readonly audience: string;
  /** What the API wants. */
  readonly scope: string;
  readonly jwksUri: string;
  /** PEM of its only key. */
  readonly publicKeyFile: string;
  /** The key's `kid`. */
  readonly keyId: string;
  /** All different, all good for hours. */
  readonly tokens: readonly string[];
  readonly refusals: readonly Refusal[];
  /** Signs another good token. */
  mint(claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** A request that must not reach the upstream, and the status that says why. */
export interface Refusal {
  readonly what: string;
  readonly headers: readonly string[];
  readonly status: 401 | 403;
}

const LIFE_SECONDS = 12 * 3600;
/** Signing happens on libuv's threads: this many keep them busy. */
const AT_ONCE = 64;

/** Claims that give a token the size of one from Okta or Entra ID: about 1,150 bytes. */
const CLAIMS = {
  scope: 'openid billing.read',
  ver: 1,
  name: 'Alexandra Example',
  email: 'alexandra.example@example.com',
  email_verified: true,
  department: 'finance',
  roles: ['accountant', 'approver', 'employee'],
  groups: [
    'b6f2a6f4-54a5-4f0c-9c1e-6ac5a9e0f0aa',
    '1f6f0d8e-5a63-4cf5-8f1b-3f4be2a4f2b1',
    '0d2b7a4c-86a1-4d7e-9d8a-9b6f3f1c2e4d',
  ],
  acr: 'urn:example:mfa',
} as const;

const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

/**
 * Starts an issuer and signs tokens.
 *
 * @param opened what is closed in the end
 * @param count how many tokens
 * @returns the issuer's description and the tokens
 */
export async function createAuthority(opened: Opened, count: number): Promise<Authority> {
  const issuer = await createTestIssuer({ algorithms: ['RS256'] });
  opened.keep(() => issuer.close());
  const publicKeyFile = join(await opened.folder(), 'key.pem');
  const publicKey = createPublicKey({ key: issuer.key().publicJwk, format: 'jwk' });
  await writeFile(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const exp = Math.floor(Date.now() / 1000) + LIFE_SECONDS;
  const mint = (claims = {}, how = {}): Promise<string> =>
    issuer.mint({ ...CLAIMS, sub: randomUUID(), jti: randomUUID(), exp, ...claims }, how);

  async function refusals(): Promise<readonly Refusal[]> {
    const bearer = (what: string, token: string, status: 401 | 403 = 401): Refusal => ({
      what,
      headers: [`Authorization: Bearer ${token}`],
      status,
    });
    const good = await mint();
    const [header = '', payload = '', signature = ''] = good.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const stranger = await makeSigningKey('RS256', issuer.key().kid);
    return [
      { what: 'no token', headers: [], status: 401 },
      bearer('garbage', 'garbage'),
      bearer('a bad signature', `${header}.${payload}.${flipped(signature)}`),
      bearer("another's key", await mint({}, { key: stranger })),
      bearer('alg none', `${none}.${payload}.`),
      bearer('an expired token', await mint({ exp: exp - LIFE_SECONDS - 3600 })),
      bearer('a wrong audience', await mint({ aud: 'https://other.example.com' })),
      bearer('a wrong issuer', await mint({ iss: 'https://other.example.com' })),
      bearer('a token without the scope', await mint({ scope: 'openid' }), 403),
    ];
  }

  const tokens: string[] = [];
  while (tokens.length < count) {
    const batch = Math.min(AT_ONCE, count - tokens.length);
    tokens.push(...(await Promise.all(Array.from({ length: batch }, () => mint()))));
  }
  return {
    issuer: issuer.issuer,
    audience: testAudience,
    scope: 'billing.read',
    jwksUri: `${issuer.issuer}/jwks`,
    publicKeyFile,
    keyId: issuer.key().kid,
    tokens,
    refusals: await refusals(),
    mint: (claims) => mint(claims),
  };
}

/** One GET: where, and what shows who asks. */
export interface Line {
  readonly path: string;
  readonly headers: readonly string[];
}

/**
 * Writes the requests of a slice for wrk.
 *
 * @param file where to
 * @param lines the requests, in their order
 */
export async function writeRequests(file: string, lines: Iterable<Line>): Promise<void> {
  const handle = await open(file, 'w');
  try {
    let text = '';
    for (const { path, headers } of lines) {
      text += `${[path, ...headers].join('\t')}\n`;
      if (text.length < 1_000_000) continue;
      await handle.write(text);
      text = '';
    }
    await handle.write(text);
  } finally {
    await handle.close();
  }
}

/** How many of a relay's APIs are called: people use few, however many there are. */
const CALLED = 20;

/**
 * Spreads tokens over APIs.
 *
 * @param tokens bearer tokens
 * @param apis how many APIs there are; up to 20 of them are called
 * @yields {Line} each token once
 */
export function* bearerLines(tokens: readonly string[], apis: number): Generator<Line> {
  const called = Math.min(CALLED, apis);
  for (const [index, token] of tokens.entries()) {
    const api = Math.floor(((index % called) * apis) / called);
    yield { path: `${apiPath(api)}/json`, headers: [`Authorization: Bearer ${token}`] };
  }
}
