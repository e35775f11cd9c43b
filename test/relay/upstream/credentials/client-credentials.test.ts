import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { TokenEndpoint, UpstreamCredentials } from '../../../../relay/config/api-config.ts';
import { API, RELAY_SECRET, startApiProvider } from '../../../support/api-provider.ts';
import { createRawUpstream } from '../../../support/raw.ts';
import { createRelayBench, type RelayBench } from '../../../support/relay.ts';
import {
  issuing,
  received,
  sendJson,
  startTokenEndpoint,
  withCredentials,
} from '../../../support/token-endpoint.ts';
import { createTestClock } from '../../../support/verifier.ts';
import { until } from '../../../support/until.ts';
import { createSource } from './source.ts';

const byToken = (
  url: string,
  more: Partial<TokenEndpoint> = {},
): Extract<UpstreamCredentials, { kind: 'clientCredentials' }> => ({
  kind: 'clientCredentials',
  endpoint: {
    url,
    clientId: 'relay',
    authentication: { kind: 'client_secret_basic', secret: RELAY_SECRET },
    scopes: ['legacy.use'],
    resource: API,
    timeoutMs: 30_000,
    ...more,
  },
});

async function get(bench: RelayBench, path = '/x/a'): Promise<Response> {
  return await fetch(`${bench.relay.url}${path}`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
  });
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const kinds = [
  [
    'client_secret_basic',
    { client_secret: RELAY_SECRET },
    { kind: 'client_secret_basic', secret: RELAY_SECRET },
  ],
  [
    'private_key_jwt',
    {
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig' }] },
    },
    {
      kind: 'private_key_jwt',
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      keyId: 'k',
    },
  ],
] as const;

for (const [method, registered, authentication] of kinds)
  void test(`a real provider issues the relay's token, by ${method}`, async (t) => {
    const provider = await startApiProvider(t, [
      { client_id: 'relay', token_endpoint_auth_method: method, ...registered },
    ]);
    const bench = await createRelayBench(t, {
      config: withCredentials(byToken(provider.tokenEndpoint, { authentication })),
    });
    const answers = await Promise.all([get(bench), get(bench), get(bench)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
      bench.log.join(''),
    );
    assert.deepEqual(provider.grants, ['client_credentials'], 'one token for all');
    const [shown = '', ...others] = received(bench.upstream.received(), 'Authorization');
    assert.deepEqual(others, [shown, shown]);
    const inspected = await provider.inspect(shown.replace('Bearer ', ''));
    assert.equal(inspected['active'], true);
    assert.equal(inspected['client_id'], 'relay');
    assert.equal(inspected['aud'], API);
    assert.equal(inspected['scope'], 'legacy.use');
  });

void test('a token serves to its end, and is renewed in the background after 80 % of its life', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { source, shown } = createSource(t, byToken(endpoint.url), clock);
  assert.equal(await shown(), 'Bearer t1');
  clock.advance(79_000);
  assert.equal(await shown(), 'Bearer t1');
  assert.equal(endpoint.asked.length, 1);
  clock.advance(2_000);
  const open = endpoint.hold();
  assert.ok(!(source.token({ token: () => '', expiresAtMs: 0 }) instanceof Promise));
  assert.equal(await shown(), 'Bearer t1', 'nobody waits for the next one');
  await until('the next token is asked for', () => endpoint.asked.length === 2);
  await shown();
  assert.equal(endpoint.asked.length, 2, 'asked once');
  open();
  await until(
    'a token is at hand',
    () => !(source.token({ token: () => '', expiresAtMs: 0 }) instanceof Promise),
  );
  await until('the next token is shown', async () => (await shown()) === 'Bearer t2');
  clock.advance(96_000);
  assert.equal(await shown(), 'Bearer t3', 'the last five seconds are not used');
  clock.advance(-200_000);
  assert.equal(await shown(), 'Bearer t4', 'a clock that was set back makes no token serve longer');
});

void test('a renewal that fails leaves the token that is still good', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { shown, events } = createSource(t, byToken(endpoint.url), clock);
  assert.equal(await shown(), 'Bearer t1');
  endpoint.answer((response) => sendJson(response, 503, { error: 'temporarily_unavailable' }));
  clock.advance(85_000);
  assert.equal(await shown(), 'Bearer t1');
  await until('the failure is told', () => events.length === 1);
  for (let i = 0; i < 5; i++) assert.equal(await shown(), 'Bearer t1');
  assert.equal(endpoint.asked.length, 2, 'not asked anew by each request');
  clock.advance(11_000);
  await assert.rejects(async () => await shown(), { code: 'no_upstream' });
  endpoint.answer(issuing({ access_token: 'back' }));
  assert.equal(await shown(), 'Bearer back');
  assert.deepEqual(
    events.map(({ event }) => event),
    ['token_endpoint_problem', 'token_endpoint_recovered'],
  );
});

void test('an API that answers 401 has the next token fetched, but not by each request', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { source, shown } = createSource(t, byToken(endpoint.url), clock);
  const caller = { token: () => '', expiresAtMs: 0 };
  const first = await source.token(caller);
  first.refused?.();
  assert.equal(await shown(), 'Bearer t1', 'it has just been issued: the API has another reason');
  clock.advance(11_000);
  first.refused?.();
  assert.equal(await shown(), 'Bearer t2');
  first.refused?.();
  assert.equal(await shown(), 'Bearer t2', 'word of an older token says nothing of this one');
});

void test('through the relay, a 401 of the API leads to a new token', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const upstream = await createRawUpstream((socket) =>
    socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'),
  );
  endpoint.answer(issuing({ expires_in: 3600 }));
  const bench = await createRelayBench(t, {
    upstream,
    config: withCredentials(byToken(endpoint.url)),
  });
  assert.equal((await get(bench)).status, 401);
  assert.equal((await get(bench)).status, 401);
  assert.equal(endpoint.asked.length, 1);
});

void test('no token: 503 with Retry-After, nothing forwarded, and the audit says so', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  await endpoint.stop();
  const bench = await createRelayBench(t, { config: withCredentials(byToken(endpoint.url)) });
  const answer = await get(bench);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '5');
  assert.equal(((await answer.json()) as { code: string }).code, 'no_upstream');
  assert.equal(bench.upstream.requests(), 0);
  assert.match(bench.log.join(''), /"event":"token_endpoint_problem".*ECONNREFUSED/);
});

void test('an endpoint that fails again and again is left alone, then tried by one request', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  endpoint.answer((response) => sendJson(response, 500, {}));
  const { shown } = createSource(t, byToken(endpoint.url), clock);
  for (let i = 0; i < 20; i++)
    await assert.rejects(async () => await shown(), { code: 'no_upstream' });
  assert.equal(endpoint.asked.length, 5);
  clock.advance(5_001);
  await assert.rejects(async () => await shown());
  await assert.rejects(async () => await shown());
  assert.equal(endpoint.asked.length, 6);
  clock.advance(5_001);
  endpoint.answer(issuing());
  assert.equal(await shown(), 'Bearer t1');
});

void test('a request asks for what is configured, and for no more', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { shown } = createSource(t, byToken(endpoint.url), clock);
  await shown();
  assert.deepEqual(endpoint.asked, [
    { grant_type: 'client_credentials', scope: 'legacy.use', resource: API },
  ]);
  // RFC 6749 §2.3.1: form-encoded first.
  const pair = `relay:${encodeURIComponent(RELAY_SECRET)}`;
  assert.deepEqual(endpoint.authorizations, [`Basic ${btoa(pair)}`]);
});

void test('two APIs with the same credentials share one token; another scope has its own', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { sources } = createSource(t, byToken(endpoint.url), createTestClock());
  const one = sources.of(byToken(endpoint.url));
  assert.equal(sources.of(byToken(endpoint.url)), one);
  assert.notEqual(sources.of(byToken(endpoint.url, { scopes: ['other'] })), one);
  const authentication = { kind: 'client_secret_basic', secret: 'rotated' } as const;
  assert.notEqual(sources.of(byToken(endpoint.url, { authentication })), one);
  sources.retain([]);
  assert.notEqual(sources.of(byToken(endpoint.url)), one);
});
