import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenEndpoint, UpstreamCredentials } from '../../../../relay/config/api-config.ts';
import type { RelayConfig } from '../../../../relay/config/config.ts';
import { API, RELAY_SECRET, startApiProvider } from '../../../support/api-provider.ts';
import { createRelayBench } from '../../../support/relay.ts';
import {
  issuing,
  received,
  sendJson,
  startTokenEndpoint,
  withCredentials,
} from '../../../support/token-endpoint.ts';
import { createTestClock } from '../../../support/verifier.ts';
import { createSource } from './source.ts';

const exchange = (
  url: string,
  more: Partial<TokenEndpoint> = {},
): Extract<UpstreamCredentials, { kind: 'tokenExchange' }> => ({
  kind: 'tokenExchange',
  endpoint: {
    url,
    clientId: 'relay',
    authentication: { kind: 'client_secret_basic', secret: RELAY_SECRET },
    scopes: ['legacy.use'],
    audience: API,
    timeoutMs: 30_000,
    ...more,
  },
});

void test("a real provider exchanges each caller's token for one of theirs", async (t) => {
  const provider = await startApiProvider(t);
  const shown = withCredentials(exchange(provider.tokenEndpoint));
  const bench = await createRelayBench(t, {
    config: (config: RelayConfig) => ({
      ...shown(config),
      issuers: [...config.issuers, provider.issuerConfig()],
    }),
  });
  const alice = await provider.mint('alice');
  const bob = await provider.mint('bob');
  const get = async (token: string) =>
    await fetch(`${bench.relay.url}/x/a`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await get(alice)).status, 200, bench.log.join(''));
  assert.equal((await get(bob)).status, 200);
  assert.equal((await get(alice)).status, 200);
  const sent = received(bench.upstream.received(), 'Authorization');
  const subjects = await Promise.all(
    sent.map(async (value) => {
      const token = value.replace('Bearer ', '');
      assert.ok(token !== alice && token !== bob);
      const inspected = await provider.inspect(token);
      assert.equal(inspected['aud'], API);
      return inspected['sub'];
    }),
  );
  assert.deepEqual(subjects, ['alice', 'bob', 'alice']);
  const exchanges = provider.grants.filter((grant) => grant.endsWith(':token-exchange'));
  assert.equal(exchanges.length, 2, 'once for each caller');
  for (const bytes of bench.upstream.received())
    assert.ok(!bytes.includes(alice) && !bytes.includes(bob), "no caller's token reaches the API");
  for (const line of bench.log) assert.ok(!line.includes(alice) && !line.includes(RELAY_SECRET));
});

void test('a subject that the provider refuses is 403 denied for that caller alone', async (t) => {
  const provider = await startApiProvider(t);
  const shown = withCredentials(exchange(provider.tokenEndpoint));
  const bench = await createRelayBench(t, {
    config: (config: RelayConfig) => ({
      ...shown(config),
      issuers: [...config.issuers, provider.issuerConfig()],
    }),
  });
  const stranger = await bench.token();
  const get = async (token: string) =>
    await fetch(`${bench.relay.url}/x/a`, { headers: { authorization: `Bearer ${token}` } });
  for (let i = 0; i < 3; i++) {
    const refused = await get(stranger);
    assert.equal(refused.status, 403);
    assert.equal(((await refused.json()) as { code: string }).code, 'denied');
  }
  assert.deepEqual(provider.grants, ['invalid_request'], 'not asked anew by each request');
  assert.equal(bench.upstream.requests(), 0);
  assert.equal((await get(await provider.mint('alice'))).status, 200);
  const told = bench.log.filter((line) => line.includes('token_exchange_refused'));
  assert.equal(told.length, 1);
  assert.ok(!told.join('').includes(stranger));
});

void test('the request is what RFC 8693 §2.1 asks for', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const { shown } = createSource(t, exchange(endpoint.url, { resource: API }), createTestClock());
  assert.equal(await shown('alices-token'), 'Bearer t1');
  assert.deepEqual(endpoint.asked, [
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'alices-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'legacy.use',
      resource: API,
      audience: API,
    },
  ]);
});

void test('requests of one caller share one exchange; others have theirs', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  endpoint.answer((response, form) =>
    issuing({ access_token: `for-${form.get('subject_token')}` })(response),
  );
  const open = endpoint.hold();
  const { shown } = createSource(t, exchange(endpoint.url), createTestClock());
  const waiting = Promise.all([shown('a'), shown('a'), shown('b'), shown('a')]);
  open();
  assert.deepEqual(await waiting, ['Bearer for-a', 'Bearer for-a', 'Bearer for-b', 'Bearer for-a']);
  assert.equal(endpoint.asked.length, 2);
});

void test("it serves no longer than the caller's own token, nor than its own life", async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { shown } = createSource(t, exchange(endpoint.url), clock);
  const endsAtMs = clock.now() + 30_000;
  assert.equal(await shown('a', endsAtMs), 'Bearer t1');
  assert.equal(await shown('b'), 'Bearer t2');
  clock.advance(29_000);
  assert.equal(await shown('a', endsAtMs), 'Bearer t1');
  clock.advance(1_001);
  assert.equal(await shown('a', endsAtMs), 'Bearer t3', 'its subject has ended');
  assert.equal(await shown('b'), 'Bearer t2');
  clock.advance(65_001);
  assert.equal(await shown('b'), 'Bearer t4', 'five seconds before its own end');
});

void test('a token that the API answers 401 to is exchanged anew', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  const { source, shown } = createSource(t, exchange(endpoint.url), clock);
  const first = await source.token({ token: () => 'a', expiresAtMs: clock.now() + 60_000 });
  clock.advance(10_001);
  first.refused?.();
  assert.equal(await shown('a'), 'Bearer t2');
});

void test('refusals of the relay itself are an outage and an alert, not a denial', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  for (const [status, error] of [
    [401, 'invalid_client'],
    [400, 'unauthorized_client'],
    [400, 'invalid_scope'],
    [400, 'invalid_target'],
    [400, 'unsupported_grant_type'],
  ] as const) {
    endpoint.answer((response) => sendJson(response, status, { error }));
    const { shown, events } = createSource(t, exchange(endpoint.url), createTestClock());
    await assert.rejects(async () => await shown(), { code: 'no_upstream' }, error);
    assert.equal(events[0]?.event, 'token_endpoint_rejected');
    assert.match(events[0]?.problem ?? '', new RegExp(error));
  }
});

void test('a refusal of one caller stands for ten seconds, and does not open the breaker', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const clock = createTestClock();
  endpoint.answer((response) => sendJson(response, 400, { error: 'invalid_grant' }));
  const { shown } = createSource(t, exchange(endpoint.url), clock);
  for (let i = 0; i < 20; i++)
    await assert.rejects(async () => await shown(`token-${i}`), { code: 'denied' });
  assert.equal(endpoint.asked.length, 20);
  endpoint.answer(issuing());
  await assert.rejects(async () => await shown('token-0'), { code: 'denied' });
  assert.equal(await shown('another'), 'Bearer t1');
  clock.advance(10_001);
  assert.equal(await shown('token-0'), 'Bearer t2');
});
