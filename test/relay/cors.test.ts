import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createCors } from '../../relay/cors.ts';
import type { CorsConfig } from '../../relay/config/api-config.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { codeOf, createRawUpstream, statusOf } from '../support/raw.ts';
import { bearer, send } from '../support/refused.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const ORIGIN = 'https://app.example.com';
const CORS: CorsConfig = {
  origins: [ORIGIN],
  methods: ['GET', 'PUT'],
  headers: ['Content-Type'],
  exposeHeaders: ['ETag'],
  credentials: false,
  maxAgeMs: 600_000,
};

async function start(t: TestContext, cors: CorsConfig | undefined = CORS): Promise<RelayBench> {
  const upstream = await createRawUpstream((socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\n\r\nok',
    ),
  );
  return await createRelayBench(t, {
    upstream,
    config: (config) => ({
      ...config,
      apis: config.apis.flatMap((api) => [
        { ...api, ...(cors && { cors }) },
        { ...api, name: 'closed', path: '/closed' },
      ]),
    }),
  });
}

const preflight = (origin: string, method = 'PUT'): string[] => [
  `Origin: ${origin}`,
  `Access-Control-Request-Method: ${method}`,
  'Access-Control-Request-Headers: authorization, content-type',
];
/** The values of a field, in order. */
const field = (answer: string, name: string): string[] =>
  [...answer.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map(([, value]) => value ?? '');

test('a preflight is answered without a token, and never reaches the API', async (t) => {
  const bench = await start(t);
  const answer = await send(bench, preflight(ORIGIN), '/x/a', 'OPTIONS');
  assert.equal(statusOf(answer), 204, answer);
  assert.deepEqual(field(answer, 'Access-Control-Allow-Origin'), [ORIGIN]);
  assert.deepEqual(field(answer, 'Access-Control-Allow-Methods'), ['GET, PUT']);
  assert.deepEqual(field(answer, 'Access-Control-Allow-Headers'), [
    'Authorization, DPoP, Content-Type',
  ]);
  assert.deepEqual(field(answer, 'Access-Control-Max-Age'), ['600']);
  assert.deepEqual(field(answer, 'Access-Control-Allow-Credentials'), []);
  assert.deepEqual(field(answer, 'Vary'), ['Origin']);
  assert.equal(field(answer, 'X-Request-Id').length, 1);
  const token = bearer(await bench.token());
  assert.equal(
    statusOf(await send(bench, [...token, ...preflight(ORIGIN)], '/x/a', 'OPTIONS')),
    204,
  );
  assert.equal(bench.upstream.received().length, 0);
});

test('preflights are recorded in aggregated form, and counted', async (t) => {
  const bench = await start(t);
  for (let at = 0; at < 5; at++) await send(bench, preflight(ORIGIN), '/x/a', 'OPTIONS');
  let count = 0;
  await until('all are recorded', async () => {
    const records = (await allRecords(bench.auditDir)).filter(({ rule }) => rule === 'cors');
    assert.ok(records.every(({ decision, api }) => decision === 'allow' && api === 'x'));
    count = records
      .filter(({ kind }) => kind === 'request')
      .reduce((sum, record) => sum + (record.count ?? 0), 0);
    return count >= 5;
  });
  assert.equal(count, 5);
  const metrics = await (await fetch(`${bench.relay.management}/metrics`)).text();
  assert.match(
    metrics,
    /latchkey_requests_total\{api="x",decision="allow",code="none",status="204"\} 5/,
  );
});

test('other pages, and APIs without cors, get nothing', async (t) => {
  const bench = await start(t);
  for (const origin of [
    'https://evil.example',
    'null',
    '*',
    ORIGIN.toUpperCase(),
    `${ORIGIN}.evil`,
  ]) {
    const answer = await send(bench, preflight(origin), '/x/a', 'OPTIONS');
    assert.equal(statusOf(answer), 403, origin);
    assert.equal(codeOf(answer), 'denied');
    assert.deepEqual(field(answer, 'Access-Control-Allow-Origin'), []);
  }
  const twice = [...preflight(ORIGIN), `Origin: ${ORIGIN}`];
  assert.equal(statusOf(await send(bench, twice, '/x/a', 'OPTIONS')), 403);
  for (const path of ['/closed/a', '/unknown']) {
    const answer = await send(bench, preflight(ORIGIN), path, 'OPTIONS');
    assert.equal(codeOf(answer), 'token_missing', path);
    assert.doesNotMatch(answer, /access-control-allow-origin/i);
  }
  assert.equal(bench.upstream.received().length, 0);
});

test('an OPTIONS request that is no preflight needs a token, and is the API’s', async (t) => {
  const bench = await start(t);
  const plain = await send(bench, [`Origin: ${ORIGIN}`], '/x/a', 'OPTIONS');
  assert.equal(codeOf(plain), 'token_missing');
  const token = bearer(await bench.token());
  assert.equal(
    statusOf(await send(bench, [...token, `Origin: ${ORIGIN}`], '/x/a', 'OPTIONS')),
    200,
  );
  assert.equal(bench.upstream.requests(), 1);
});

test('answers and refusals can be read by listed pages only; the API’s own word does not count', async (t) => {
  const bench = await start(t);
  const token = bearer(await bench.token());
  const good = await send(bench, [...token, `Origin: ${ORIGIN}`], '/x/a');
  assert.equal(statusOf(good), 200);
  assert.deepEqual(field(good, 'Access-Control-Allow-Origin'), [ORIGIN]);
  assert.deepEqual(field(good, 'Access-Control-Allow-Credentials'), []);
  assert.deepEqual(field(good, 'Vary'), ['Accept', 'Origin']);
  assert.match(field(good, 'Access-Control-Expose-Headers').join(), /X-Request-Id, ETag$/);
  const other = await send(bench, [...token, 'Origin: https://evil.example'], '/x/a');
  assert.equal(statusOf(other), 200);
  assert.deepEqual(field(other, 'Access-Control-Allow-Origin'), []);
  assert.deepEqual(field(other, 'Vary'), ['Accept', 'Origin']);
  const refused = await send(bench, [`Origin: ${ORIGIN}`], '/x/a');
  assert.equal(codeOf(refused), 'token_missing');
  assert.deepEqual(field(refused, 'Access-Control-Allow-Origin'), [ORIGIN]);
  assert.match(field(refused, 'Access-Control-Expose-Headers').join(), /WWW-Authenticate/);
  const hidden = await send(bench, ['Origin: https://evil.example'], '/x/a');
  assert.doesNotMatch(hidden, /access-control-allow/i);
});

test('any origin is `*`, and never together with credentials', () => {
  const raw = ['Origin', 'https://evil.example', 'Access-Control-Request-Method', 'GET'];
  const any = createCors({ ...CORS, origins: ['*'] });
  assert.deepEqual(any.fields(raw).slice(0, 2), ['Access-Control-Allow-Origin', '*']);
  const both = createCors({ ...CORS, origins: ['*'], credentials: true });
  assert.deepEqual(both.fields(raw), ['Vary', 'Origin']);
  assert.throws(() => both.preflight(raw), { code: 'denied' });
  const named = createCors({ ...CORS, credentials: true });
  assert.deepEqual(named.fields(['Origin', ORIGIN]).slice(0, 6), [
    'Vary',
    'Origin',
    'Access-Control-Allow-Origin',
    ORIGIN,
    'Access-Control-Allow-Credentials',
    'true',
  ]);
});
