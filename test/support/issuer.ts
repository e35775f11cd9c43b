import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import type { IssuerConfig } from '../../relay/config/config.ts';

export type TestAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

export interface SigningKey {
  readonly kid: string;
  readonly alg: TestAlgorithm;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export interface MintOptions {
  readonly alg?: TestAlgorithm;
  /** Another `kid` than the key's; null leaves it out. */
  readonly kid?: string | null;
  /** Default at+jwt; null leaves it out. */
  readonly typ?: string | null;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Sign with this key in place of the issuer's newest. */
  readonly key?: SigningKey;
}

/** An identity provider on a real socket that signs its own tokens and does as it is told. */
export interface TestIssuer {
  readonly issuer: string;
  readonly counts: { discovery: number; jwks: number; other: number };
  /** The newest key of an algorithm. */
  readonly key: (alg?: TestAlgorithm) => SigningKey;
  /** The claims that `mint` starts from; a claim set to undefined is left out of the token. */
  readonly mint: (
    claims?: Readonly<Record<string, unknown>>,
    options?: MintOptions,
  ) => Promise<string>;
  /** Replaces every key by a new one with a new kid. */
  readonly rotate: () => Promise<void>;
  /** Cuts every connection until `up`. */
  readonly down: () => void;
  readonly up: () => void;
  /** Answers for a path in place of the issuer; undefined gives it back. */
  readonly answer: (
    path: string,
    handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined,
  ) => void;
  readonly jwks: () => { keys: JWK[] };
  readonly config: (changes?: Partial<IssuerConfig>) => IssuerConfig;
  readonly close: () => Promise<void>;
}

export const testAudience = 'https://relay.example.com';

export interface TestIssuerOptions {
  readonly algorithms?: readonly TestAlgorithm[];
  /** Path of the issuer identifier, such as `/tenant`. */
  readonly path?: string;
  /** Seconds since the epoch, for iat and exp. */
  readonly nowSeconds?: () => number;
}

let created = 0;

export async function makeSigningKey(alg: TestAlgorithm, kid?: string): Promise<SigningKey> {
  created += 1;
  const name = kid ?? `${alg}-${created}`;
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid: name,
    alg,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid: name, alg, use: 'sig' },
  };
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const algorithms = options.algorithms ?? ['ES256'];
  const path = options.path ?? '';
  const nowSeconds = options.nowSeconds ?? (() => Math.floor(Date.now() / 1000));
  const counts = { discovery: 0, jwks: 0, other: 0 };
  const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
  let keys = await Promise.all(algorithms.map((alg) => makeSigningKey(alg)));
  let isDown = false;

  const jwks = (): { keys: JWK[] } => ({ keys: keys.map((key) => key.publicJwk) });
  const server = createServer((request, response) => {
    const target = request.url ?? '/';
    const kind = target.includes('/.well-known/')
      ? 'discovery'
      : target === `${path}/jwks`
        ? 'jwks'
        : 'other';
    counts[kind] += 1;
    if (isDown) {
      request.socket.destroy();
      return;
    }
    const handler = answers.get(target);
    if (handler !== undefined) handler(request, response);
    else if (target === `${path}/.well-known/openid-configuration`)
      sendJson(response, { issuer, jwks_uri: `${issuer}/jwks` });
    else if (kind === 'jwks') sendJson(response, jwks());
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  const key = (alg: TestAlgorithm = algorithms[0] ?? 'ES256'): SigningKey => {
    const found = keys.find((candidate) => candidate.alg === alg);
    if (found === undefined) throw new Error(`the test issuer has no ${alg} key`);
    return found;
  };

  return {
    issuer,
    counts,
    key,
    mint: async (claims = {}, how = {}) => {
      const signing = how.key ?? key(how.alg);
      const kid = how.kid === undefined ? signing.kid : how.kid;
      const typ = how.typ === undefined ? 'at+jwt' : how.typ;
      const now = nowSeconds();
      const all = {
        iss: issuer,
        aud: testAudience,
        sub: 'user-1',
        client_id: 'latchkey-desktop',
        scope: 'openid billing.read',
        iat: now,
        exp: now + 300,
        jti: `jti-${Math.random()}`,
        ...claims,
      };
      const header = {
        alg: signing.alg,
        ...(kid === null ? {} : { kid }),
        ...(typ === null ? {} : { typ }),
        ...how.header,
      };
      return await new SignJWT(all).setProtectedHeader(header).sign(signing.privateKey);
    },
    rotate: async () => {
      keys = await Promise.all(algorithms.map((alg) => makeSigningKey(alg)));
    },
    down: () => {
      isDown = true;
      server.closeAllConnections();
    },
    up: () => {
      isDown = false;
    },
    answer: (target, handler) => {
      if (handler === undefined) answers.delete(target);
      else answers.set(target, handler);
    },
    jwks,
    config: (changes = {}) => ({
      issuer,
      audience: [testAudience],
      profile: 'strict',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      clockToleranceMs: 30_000,
      maxStaleMs: 86_400_000,
      tokens: 'jwt',
      dpop: 'off',
      dpopNonce: false,
      claims: { user: 'sub', email: 'email', roles: 'roles', groups: 'groups' },
      metadata: {},
      ...changes,
    }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Signs any bytes as a compact JWS, for headers and payloads that no library would make. */
export async function signRaw(
  key: SigningKey,
  header: string,
  payload: string | Uint8Array,
): Promise<string> {
  const parameters = {
    RS256: { name: 'RSASSA-PKCS1-v1_5' },
    PS256: { name: 'RSA-PSS', saltLength: 32 },
    ES256: { name: 'ECDSA', hash: 'SHA-256' },
    EdDSA: { name: 'Ed25519' },
  }[key.alg];
  const signed = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
  const signature = await crypto.subtle.sign(parameters, key.privateKey, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}
