import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { SignJWT } from 'jose';
import { createIssuerKeys } from '../../relay/auth/jwks.ts';
import { createIssuerPool } from '../../relay/auth/pool.ts';
import type { Principal } from '../../relay/auth/principal.ts';
import { createVerifier } from '../../relay/auth/verify.ts';
import type { IssuerConfig } from '../../relay/config/config.ts';
import { RelayError } from '../../relay/errors.ts';
import { createMemoryState } from '../../relay/state/memory.ts';
import { createTestIssuer } from './issuer.ts';
import { directory, load, put } from './relay-yaml.ts';
import { bearer, plainPresentation } from './verifier.ts';

type Claims = Readonly<Record<string, unknown>>;

/** A provider as the documentation configures it, with keys of ours in place of its own. */
export interface ProviderBench {
  readonly config: IssuerConfig;
  /** Signs claims as the provider would; `header` is beside `alg` and `kid`. */
  sign(claims: Claims, header?: Claims): Promise<string>;
  accept(claims: Claims, header?: Claims): Promise<Principal>;
  /** The refusal's code. */
  refuse(claims: Claims, header?: Claims): Promise<string>;
  refuseToken(token: string): Promise<string>;
}

const providersPage = new URL('../../docs/providers.md', import.meta.url);

/** The first yaml block below a heading of docs/providers.md, made a whole relay.yaml. */
export async function documentedYaml(heading: string): Promise<string> {
  const page = await readFile(providersPage, 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  const block = /```yaml\n([\s\S]*?)```/.exec(section ?? '')?.[1];
  assert.ok(block !== undefined, `docs/providers.md has no block for ${heading}`);
  return `publicUrl: https://relay.example.com
${block}
apis: { x: { upstream: https://10.0.0.5, rules: [{ name: any, allow: { scopes: [billing.read] } }] } }
`;
}

/** Loads a documented block; private files that it names are put beside it. */
export async function documentedIssuer(t: TestContext, heading: string): Promise<IssuerConfig> {
  const yaml = await documentedYaml(heading);
  const dir = await directory(t);
  await put(dir, 'introspection.secret', 'secret');
  const config = await load(
    t,
    yaml.replace(': introspection.secret', `: ${dir}/introspection.secret`),
  );
  const [issuer] = config.issuers;
  assert.ok(issuer !== undefined);
  return issuer;
}

/** Seconds since the epoch, from now. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** A verifier of one provider's tokens, closed with the test. */
export async function createProviderBench(
  t: TestContext,
  heading: string,
  options: { readonly change?: Partial<IssuerConfig>; readonly keysWithoutAlg?: boolean } = {},
): Promise<ProviderBench> {
  const documented = await documentedIssuer(t, heading);
  const keys = await createTestIssuer({ algorithms: ['RS256'] });
  if (options.keysWithoutAlg === true)
    keys.answer('/jwks', (_, response) => {
      const bare = keys.jwks().keys.map(({ alg: _alg, ...jwk }) => jwk);
      response.end(JSON.stringify({ keys: bare }));
    });
  const config: IssuerConfig = {
    ...documented,
    ...options.change,
    metadata: { ...documented.metadata, jwks_uri: `${keys.issuer}/jwks` },
  };
  const pool = createIssuerPool({
    createKeys: (issuer) => createIssuerKeys(issuer, { now: Date.now, fetch }),
    createIntrospector: () => {
      throw new Error('not in this bench');
    },
  });
  const verifier = createVerifier([config], {
    now: Date.now,
    ...pool,
    state: createMemoryState(Date.now),
    proofs: { check: () => Promise.resolve() },
  });
  t.after(async () => {
    pool.retain([]);
    await keys.close();
  });
  const key = keys.key('RS256');
  const sign = (claims: Claims, header: Claims = {}): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
      .sign(key.privateKey);
  async function refuseToken(token: string): Promise<string> {
    try {
      await verifier.verify(bearer(token), plainPresentation);
    } catch (error) {
      assert.ok(error instanceof RelayError, String(error));
      return error.code;
    }
    return 'accepted';
  }
  return {
    config,
    sign,
    accept: async (claims, header) =>
      verifier.verify(bearer(await sign(claims, header)), plainPresentation),
    refuse: async (claims, header) => refuseToken(await sign(claims, header)),
    refuseToken,
  };
}
