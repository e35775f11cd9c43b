import assert from 'node:assert/strict';
import { get } from 'node:https';
import { type TestContext, test } from 'node:test';
import { createCertificate } from '../support/certificate.ts';
import { createProofKey, proof } from '../support/dpop.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

const PUBLIC = 'https://relay.test';
const DESKTOP = '    desktop: { clientId: app }\n';

async function metadataOf(bench: RelayBench): Promise<Record<string, unknown>> {
  const answer = await fetch(`${bench.relay.url}/.well-known/oauth-protected-resource`);
  assert.equal(answer.status, 200);
  return (await answer.json()) as Record<string, unknown>;
}

async function described(
  t: TestContext,
  issuer: string,
  top = '',
): Promise<{ readonly bench: RelayBench; readonly metadata: Record<string, unknown> }> {
  const bench = await createRelayBench(t, { issuer: DESKTOP + issuer, top });
  return { bench, metadata: await metadataOf(bench) };
}

test('the metadata tells what DPoP is to each issuer', async (t) => {
  for (const [yaml, mode, required] of [
    ['', 'optional', false],
    ['    dpop: off', 'off', false],
    ['    dpop: required', 'required', true],
    ['    dpop: { mode: required }', 'required', true],
  ] as const) {
    const { bench, metadata } = await described(t, yaml);
    assert.equal(metadata['dpop_bound_access_tokens_required'], required, yaml);
    const algs = metadata['dpop_signing_alg_values_supported'];
    if (mode === 'off') assert.equal(algs, undefined);
    else assert.ok(Array.isArray(algs) && algs.includes('ES256') && !algs.includes('HS256'));
    const { dpop, issuers } = metadata['latchkey'] as {
      readonly dpop: string;
      readonly issuers: Readonly<Record<string, { readonly dpop: string }>>;
    };
    assert.equal(dpop, mode);
    assert.equal(issuers[bench.issuer.issuer]?.dpop, mode);
  }
});

test('the metadata tells whether tokens may be bound to certificates', async (t) => {
  const member = 'tls_client_certificate_bound_access_tokens';
  const plain = await described(t, '');
  assert.ok(!(member in plain.metadata));
  const proxied = 'trustedProxies: [192.0.2.1/32]\nclientCertificateHeader: Client-Cert';
  assert.equal((await described(t, '', proxied)).metadata[member], true);
  const { cert, certFile, keyFile } = createCertificate(t);
  const tls = `tls: { certFile: ${certFile}, keyFile: ${keyFile}, clientCertificates: request }`;
  const bench = await createRelayBench(t, { top: `publicUrl: ${PUBLIC}\n${tls}` });
  const url = `${bench.relay.url}/.well-known/oauth-protected-resource`;
  const text = await new Promise<string>((resolve, reject) => {
    get(url, { ca: cert }, (answer) => {
      answer.setEncoding('utf8');
      answer.on('data', resolve);
    }).on('error', reject);
  });
  assert.match(text, new RegExp(`"${member}":true`));
});

test('the app learns the endpoints that its provider does not tell, and no others', async (t) => {
  const names = ['authorization', 'token', 'revocation', 'device_authorization', 'end_session'];
  const own = names.map((name) => `${name}_endpoint: https://idp.example.com/${name}`).join(', ');
  const { metadata } = await described(
    t,
    `    metadata: { ${own}, introspection_endpoint: https://idp.example.com/secret }`,
  );
  const { metadata: told } = metadata['latchkey'] as { readonly metadata: unknown };
  assert.deepEqual(
    told,
    Object.fromEntries(
      names.map((name) => [`${name}_endpoint`, `https://idp.example.com/${name}`]),
    ),
  );
});

test('the relay’s own documents and refusals offer a nonce to whoever proves possession', async (t) => {
  const bench = await createRelayBench(t, { top: `publicUrl: ${PUBLIC}` });
  const key = await createProofKey();
  const token = await bench.token({ cnf: { jkt: key.jkt } });
  const ask = async (path: string, method = 'GET'): Promise<Response> =>
    await fetch(bench.relay.url + path, {
      method,
      headers: {
        authorization: `DPoP ${token}`,
        dpop: await proof({ key, url: PUBLIC + path, method, token }),
      },
    });
  for (const [path, status] of [
    ['/.latchkey/whoami', 200],
    ['/.latchkey/apis', 200],
    ['/none', 404],
    ['/x/a', 200],
  ] as const) {
    const answer = await ask(path);
    assert.equal(answer.status, status, path);
    assert.match(answer.headers.get('dpop-nonce') ?? '', /^[\w-]{43}$/, path);
    await answer.body?.cancel();
  }
  const bearer = await fetch(`${bench.relay.url}/.latchkey/whoami`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
  });
  assert.equal(bearer.status, 200);
  assert.equal(bearer.headers.get('dpop-nonce'), null);
});

test('a DPoP caller is refused in its own scheme', async (t) => {
  const rules = `      - { name: mfa, allow: { scopes: [read], acr: [mfa], maxAge: 5m } }`;
  const bench = await createRelayBench(t, { top: `publicUrl: ${PUBLIC}`, rules });
  const key = await createProofKey();
  const challengeFor = async (claims: object): Promise<readonly [number, string]> => {
    const token = await bench.token({ cnf: { jkt: key.jkt }, ...claims });
    const shown = await proof({ key, url: `${PUBLIC}/x/a`, token });
    const answer = await fetch(`${bench.relay.url}/x/a`, {
      headers: { authorization: `DPoP ${token}`, dpop: shown },
    });
    await answer.body?.cancel();
    return [answer.status, answer.headers.get('www-authenticate') ?? ''];
  };
  const [status, scope] = await challengeFor({ scope: 'other' });
  assert.equal(status, 403);
  assert.match(scope, /^DPoP realm="latchkey", error="insufficient_scope", scope="read", algs="/);
  const [weak, stepUp] = await challengeFor({});
  assert.equal(weak, 401);
  assert.match(
    stepUp,
    /^DPoP realm="latchkey", error="insufficient_user_authentication", acr_values="mfa", max_age="300", algs="/,
  );
  const past = Math.floor(Date.now() / 1000) - 100;
  const [expired, invalid] = await challengeFor({ exp: past, iat: past - 10 });
  assert.equal(expired, 401);
  assert.match(invalid, /^DPoP realm="latchkey", error="invalid_token", algs="/);
  assert.equal(bench.upstream.requests(), 0);
});

test('what is public answers HEAD as well (RFC 9110 §9.1)', async (t) => {
  const bench = await createRelayBench(t);
  for (const path of ['/.well-known/oauth-protected-resource', '/.latchkey/assertion-keys']) {
    const head = await fetch(bench.relay.url + path, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, ''], path);
  }
});
