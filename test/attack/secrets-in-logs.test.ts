import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestIssuer } from '../support/issuer.ts';
import { editConfig, logged, postReload } from '../support/operator.ts';
import { createRawUpstream } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

/** Put together, so that this file's own output holds none. */
const JWT = ['eyJhbGciOiJub25lIn0', 'eyJzdWIiOiJhbGljZSJ9', 'c2ln'].join('.');
const OPAQUE = 'kJ8s0dkfJ3kd9fkE4jd8fj2kd9fj3kd8fj2k';

function assertSilent(bench: RelayBench, ...secrets: readonly string[]): void {
  const log = bench.log.join('');
  for (const secret of [JWT, OPAQUE, ...secrets]) assert.ok(!log.includes(secret), log);
}

test('a provider that answers with tokens in its addresses and words gets none into the log', async (t) => {
  const bench = await createRelayBench(t);
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  for (const path of [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ])
    issuer.answer(path, (_, response) => {
      response.writeHead(302, { location: `/elsewhere?access_token=${JWT}&code=${OPAQUE}` }).end();
    });
  issuer.answer('/elsewhere', (_, response) => {
    response.writeHead(500, `Bearer ${OPAQUE}`).end(JSON.stringify({ error: JWT }));
  });
  await editConfig(bench, (text) =>
    text.replace(
      'issuers:\n',
      `issuers:\n  - { issuer: '${issuer.issuer}', audience: ['https://relay.test'] }\n`,
    ),
  );
  await postReload(bench);
  await until('a problem', () => logged(bench, 'issuer_problem').length > 0);
  assert.match(bench.log.join(''), /\/elsewhere answered [45]/);
  const ready = await (await fetch(`${bench.relay.management}/readyz`)).text();
  assert.match(ready, /\/elsewhere answered/);
  assert.doesNotMatch(ready, /eyJ|access_token/);
  assertSilent(bench);
});

test('an API that breaks the protocol with tokens in it gets none into the log or the answer', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${JWT}\r\nX-${OPAQUE} : ${JWT}\r\n\r\n${JWT}`);
  });
  const bench = await createRelayBench(t, { upstream });
  const token = await bench.token();
  const path = `/x/1?api_key=${OPAQUE}`;
  const answer = await fetch(bench.relay.url + path, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 502);
  const body = await answer.text();
  await until('the failure is logged', () => logged(bench, 'request_failed').length === 1);
  assertSilent(bench, token);
  for (const secret of [JWT, OPAQUE, token]) assert.ok(!body.includes(secret), body);
});

test('requests of any kind leave no credential in the log', async (t) => {
  const upstream = await createRawUpstream((socket) => socket.destroy());
  const bench = await createRelayBench(t, { upstream });
  const token = await bench.token();
  for (const fields of [
    { authorization: `Bearer ${token}` },
    { authorization: `DPoP ${token}`, dpop: JWT },
    { authorization: `Basic ${OPAQUE}` },
    { authorization: `Bearer ${JWT}`, cookie: `session=${OPAQUE}` },
  ])
    await (await fetch(`${bench.relay.url}/x/1?access=${OPAQUE}`, { headers: fields })).text();
  assertSilent(bench, token);
});
