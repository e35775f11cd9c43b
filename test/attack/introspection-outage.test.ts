import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type IntrospectionIssuer,
  activeAnswer,
  createIntrospectionIssuer,
  sendJson,
} from '../support/introspection-issuer.ts';
import { type Answer, type OpaqueRelay, createOpaqueRelay } from '../support/opaque-relay.ts';
import { until } from '../support/until.ts';

async function createBench(
  t: TestContext,
  times = 'cache: 10s, timeout: 60s',
): Promise<{ readonly issuer: IntrospectionIssuer; readonly relay: OpaqueRelay }> {
  const issuer = await createIntrospectionIssuer(t);
  const relay = await createOpaqueRelay(t, {
    issuer: issuer.issuer,
    yaml: `    introspection: { clientId: relay, clientSecretFile: s.txt, ${times} }`,
    files: { 's.txt': 's3cret\n' },
  });
  return { issuer, relay };
}

function assertUnavailable(answer: Answer, what: string): void {
  assert.equal(answer.status, 503, what);
  assert.equal(answer.code, 'issuer_unavailable', what);
  assert.equal(answer.retryAfter, '5', what);
  assert.equal(answer.challenge, null, 'a 503 does not ask to sign in again');
}

type Answering = Parameters<IntrospectionIssuer['answer']>[0];
const faults: readonly (readonly [string, Answering])[] = [
  ['500', (_, response) => response.writeHead(500).end()],
  ['nothing within the time-out', () => undefined],
  ['HTML', (_, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>active</p>')],
  ['an oversized body', (_, r) => sendJson(r, activeAnswer({ x: 'x'.repeat(70_000) }))],
  ['401 to the relay itself', (_, r) => sendJson(r, { error: 'invalid_client' }, 401)],
];

for (const [name, answering] of faults)
  void test(`introspection answers with ${name}: 503 with Retry-After, and not remembered`, async (t) => {
    const isSilent = name.startsWith('nothing');
    const { issuer, relay } = await createBench(t, isSilent ? 'timeout: 5s' : undefined);
    issuer.say('good', activeAnswer());
    issuer.answer(answering);
    assertUnavailable(await relay.get('/x/a/1', 'good'), name);
    assert.equal(relay.upstream.requests(), 0);
    issuer.answer(undefined);
    assert.equal((await relay.get('/x/a/1', 'good')).status, 200);
    const log = relay.log.join('');
    assert.equal(log.includes('"event":"introspection_rejected"'), name.startsWith('401'));
    assert.match(log, /"event":"issuer_recovered"/);
    assert.doesNotMatch(log, /s3cret|cmVsYXk6czNjcmV0/);
  });

void test('during an outage no token, good or bad, becomes 200 or 401; known ones serve their time', async (t) => {
  const { issuer, relay } = await createBench(t);
  issuer.say('known', activeAnswer());
  assert.equal((await relay.get('/x/a/1', 'known')).status, 200);
  issuer.down();
  assert.equal((await relay.get('/x/a/1', 'known')).status, 200);
  for (let index = 0; index < 12; index += 1)
    assertUnavailable(await relay.get('/x/a/1', `unknown-${index}`), `attempt ${index}`);
  const ready = await relay.ready();
  assert.equal(ready.status, 503);
  assert.ok(ready.text.includes(issuer.issuer), 'readyz names the issuer');
  assert.doesNotMatch(ready.text, /unknown-|s3cret/);
  // The answer's ten seconds.
  let answer: Answer | undefined;
  await until('the known answer has ended', async () => {
    answer = await relay.get('/x/a/1', 'known');
    return answer.status !== 200;
  });
  assert.ok(answer);
  assertUnavailable(answer, 'known, but too long ago');

  issuer.up();
  await until(
    'the relay recovers by itself',
    async () => (await relay.get('/x/a/1', 'known')).status === 200,
  );
  assert.equal((await relay.ready()).status, 200);
});
