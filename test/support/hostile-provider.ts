import { createTestIssuer, type MintOptions, type TestIssuer } from './issuer.ts';

/** A provider that signs in whoever asks, and tells what a test wants it to. */
export interface HostileProvider {
  readonly issuer: TestIssuer;
  /**
   * What the token endpoint answers from now on.
   *
   * @param idToken makes the ID token from claims that would be good
   * @param more in place of members of the answer; undefined leaves one out
   */
  answerWith(
    idToken: (good: Readonly<Record<string, unknown>>) => Promise<string>,
    more?: Readonly<Record<string, unknown>>,
  ): void;
  /** A good ID token, changed. */
  idToken(
    good: Readonly<Record<string, unknown>>,
    changes?: Readonly<Record<string, unknown>>,
    how?: MintOptions,
  ): Promise<string>;
  /** Answers the browser that begins at this address: the callback's address, with what is changed in it. */
  authorize(address: string, changes?: Readonly<Record<string, string | undefined>>): string;
}

const json = { 'content-type': 'application/json' };

/** Starts one on loopback for one test. */
export async function startHostileProvider(t: {
  after(close: () => Promise<void>): void;
}): Promise<HostileProvider> {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  let nonce: string | undefined;
  let answer: () => Promise<Record<string, unknown>> = () => Promise.resolve({});
  issuer.answer('/.well-known/openid-configuration', (_request, response) => {
    response.writeHead(200, json).end(
      JSON.stringify({
        issuer: issuer.issuer,
        authorization_endpoint: `${issuer.issuer}/authorize`,
        token_endpoint: `${issuer.issuer}/token`,
        jwks_uri: `${issuer.issuer}/jwks`,
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['ES256'],
      }),
    );
  });
  issuer.answer('/token', (_request, response) => {
    void answer().then((body) => response.writeHead(200, json).end(JSON.stringify(body)));
  });
  return {
    issuer,
    answerWith(idToken, more = {}) {
      answer = async () => ({
        access_token: 'opaque',
        token_type: 'Bearer',
        id_token: await idToken({ aud: 'latchkey-console', sub: 'auditor-eve', nonce }),
        ...more,
      });
    },
    idToken: (good, changes = {}, how = {}) =>
      issuer.mint(
        { client_id: undefined, scope: undefined, roles: ['auditor'], ...good, ...changes },
        { typ: 'JWT', ...how },
      ),
    authorize(address, changes = {}) {
      const asked = new URL(address).searchParams;
      nonce = asked.get('nonce') ?? undefined;
      const callback = new URL(String(asked.get('redirect_uri')));
      const brought = { code: 'any', state: asked.get('state'), iss: issuer.issuer, ...changes };
      for (const [name, value] of Object.entries(brought))
        if (typeof value === 'string') callback.searchParams.set(name, value);
      return callback.href;
    },
  };
}
