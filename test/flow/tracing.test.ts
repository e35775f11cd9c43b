import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { toRelay } from '../../app/main/agent/proxy/transform.ts';
import { carryTrace } from '../../wire/trace.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createCollector, type Collector, type ReceivedSpan } from '../support/collector.ts';
import { freePort } from '../support/free-port.ts';
import { editConfig, logged, postReload, readMetrics } from '../support/operator.ts';
import { createRawUpstream, sendRaw } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { directory, put } from '../support/relay-yaml.ts';
import { until } from '../support/until.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

type Fields = Readonly<Record<string, string>>;

function telemetry(collector: Pick<Collector, 'url'>, more = 'ratio: 1'): string {
  return `telemetry: { traces: { url: '${collector.url}', ${more} } }`;
}

async function collectorOf(t: TestContext): Promise<Collector> {
  const collector = await createCollector();
  t.after(() => collector.close());
  return collector;
}

async function ask(bench: RelayBench, path: string, fields: Fields = {}): Promise<number> {
  const headers = { authorization: `Bearer ${await bench.token()}`, ...fields };
  const answer = await fetch(bench.relay.url + path, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

async function spansOf(collector: Collector, count: number): Promise<readonly ReceivedSpan[]> {
  await until(`${count} spans`, () => collector.spans.length >= count);
  return collector.spans;
}

const ofKind = (spans: readonly ReceivedSpan[], kind: number): ReceivedSpan => {
  const found = spans.find((span) => span.kind === kind);
  assert.ok(found !== undefined, JSON.stringify(spans));
  return found;
};

/** A field of the last request that the upstream saw. */
function upstreamField(bench: RelayBench, name: string): string | undefined {
  const all = bench.upstream.received().join('\n');
  return [...all.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gim'))].at(-1)?.[1];
}

test('a caller that records gets a span of the relay and one of the call, in its own trace', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector, 'ratio: 0') });
  const fields = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'vendor=x' };
  assert.equal(await ask(bench, '/x/people/alice?q=1', fields), 200);
  const spans = await spansOf(collector, 2);
  const server = ofKind(spans, SERVER);
  const client = ofKind(spans, CLIENT);
  assert.deepEqual([server.traceId, client.traceId], [TRACE, TRACE]);
  assert.equal(server.parentSpanId, CALLER);
  assert.equal(client.parentSpanId, server.spanId);
  assert.equal(upstreamField(bench, 'traceparent'), `00-${TRACE}-${client.spanId}-01`);
  assert.equal(upstreamField(bench, 'tracestate'), 'vendor=x');
  assert.equal(server.name, 'GET x');
  assert.equal(server.service, 'latchkey-relay');
  const record = (await settledRecords(bench.auditDir)).find(({ kind }) => kind === 'request');
  assert.equal(record?.traceId, TRACE);
  assert.deepEqual(server.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'latchkey.request_id': record?.requestId,
    'latchkey.api': 'x',
    'latchkey.rule': 'any',
    'latchkey.decision': 'allow',
  });
  assert.deepEqual(server.events, ['latchkey.authenticated', 'latchkey.recorded']);
  assert.deepEqual(client.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': bench.upstream.port,
  });
  assert.deepEqual(client.events, ['latchkey.answer_began']);
  assert.ok(BigInt(server.startTimeUnixNano) <= BigInt(client.startTimeUnixNano));
  assert.ok(BigInt(client.endTimeUnixNano) <= BigInt(server.endTimeUnixNano));
});

test('no span tells a token, a person, a path or a query', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector) });
  const token = await bench.token({ sub: 'alice-the-person', email: 'alice@demo.example' });
  await ask(bench, '/x/people/alice?secret=1', { authorization: `Bearer ${token}` });
  await ask(bench, '/x/1', { authorization: 'Bearer eyJ.broken.token' });
  await sendRaw(bench.relay.url, 'GET /x/a HTTP/1.1\r\nHost: alice.example\r\n\r\n');
  await spansOf(collector, 4);
  assert.doesNotMatch(collector.text(), /alice|secret|eyJ|people|broken/);
});

test('paths are told where that is wanted, without the query', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector, 'ratio: 1, paths: true') });
  await ask(bench, '/x/people/%61lice?secret=1');
  const server = ofKind(await spansOf(collector, 2), SERVER);
  assert.equal(server.attributes['url.path'], '/x/people/alice');
});

test('a refusal is a span with its decision and code, and no call', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector) });
  const weak = `Bearer ${await bench.token({ scope: 'other' })}`;
  assert.equal(await ask(bench, '/x/1', { authorization: weak }), 403);
  assert.equal(await ask(bench, '/x/1', { authorization: 'Bearer no-token' }), 401);
  const [denied, stranger] = await spansOf(collector, 2);
  assert.equal(denied?.attributes['latchkey.decision'], 'deny');
  assert.equal(denied?.attributes['latchkey.code'], 'scope');
  assert.equal(denied?.attributes['latchkey.api'], 'x');
  assert.equal(denied?.status, 0, 'a refusal is no fault of the relay');
  assert.equal(stranger?.attributes['latchkey.decision'], 'deny');
  assert.equal(stranger?.name, 'GET');
  assert.equal(stranger?.parentSpanId, undefined);
});

test('each try is a span of its own, and the API is told of the one that reached it', async (t) => {
  const collector = await collectorOf(t);
  const broken = await createRawUpstream((socket) => socket.destroy());
  t.after(() => broken.close());
  const good = await createRawUpstream();
  const bench = await createRelayBench(t, {
    upstream: good,
    upstreams: [broken.url, good.url],
    api: '    retries: 1',
    top: telemetry(collector),
  });
  // One of two requests begins at the address that breaks.
  assert.equal(await ask(bench, '/x/1'), 200);
  assert.equal(await ask(bench, '/x/1'), 200);
  const spans = await spansOf(collector, 5);
  const failed = spans.find(({ attributes }) => attributes['error.type'] !== undefined);
  assert.equal(failed?.kind, CLIENT);
  assert.equal(failed?.status, ERROR);
  assert.equal(failed?.attributes['error.type'], 'upstream_unreachable');
  const again = spans.find(({ attributes }) => attributes['http.request.resend_count'] === 1);
  assert.equal(again?.parentSpanId, failed?.parentSpanId);
  assert.match(
    good.received().join(''),
    new RegExp(`traceparent: 00-${again?.traceId}-${again?.spanId}-01`),
  );
});

test('a failing API makes both spans errors', async (t) => {
  const collector = await collectorOf(t);
  const upstream = await createRawUpstream((socket) => socket.destroy());
  const bench = await createRelayBench(t, { upstream, top: telemetry(collector) });
  assert.equal(await ask(bench, '/x/1'), 502);
  const spans = await spansOf(collector, 2);
  for (const kind of [SERVER, CLIENT]) {
    const span = ofKind(spans, kind);
    assert.equal(span.status, ERROR);
    assert.equal(span.attributes['error.type'], 'upstream_unreachable');
  }
});

test('the caller decides; where nobody has, the ratio does', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector, 'ratio: 1') });
  await ask(bench, '/x/1', { traceparent: `00-${TRACE}-${CALLER}-00` });
  assert.match(upstreamField(bench, 'traceparent') ?? '', new RegExp(`^00-${TRACE}-.*-00$`));
  await ask(bench, '/x/1', { traceparent: 'malformed', tracestate: 'vendor=x' });
  const spans = await spansOf(collector, 2);
  assert.equal(spans.length, 2, 'nothing of the first');
  assert.notEqual(spans[0]?.traceId, TRACE);
  assert.equal(upstreamField(bench, 'tracestate'), undefined);
  const none = await createRelayBench(t, { top: telemetry(collector, 'ratio: 0') });
  await ask(none, '/x/1');
  await none.relay.stop();
  assert.equal(collector.spans.length, 2);
});

test("the app adds no gap: the relay's span hangs from the tool's, or begins the trace", async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector, 'ratio: 1') });
  const throughApp = async (tool: readonly string[]): Promise<void> => {
    const fields = toRelay(tool, {
      method: 'GET',
      host: new URL(bench.relay.url).host,
      framing: { kind: 'none' },
      credential: ['Authorization', `Bearer ${await bench.token()}`],
      requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      trace: carryTrace(tool),
      version: '1',
      tool: 'curl',
    });
    const lines = fields.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`));
    await sendRaw(bench.relay.url, `GET /x/1 HTTP/1.1\r\n${lines.join('')}\r\n`);
  };
  await throughApp(['traceparent', `00-${TRACE}-${CALLER}-01`, 'tracestate', 'vendor=x']);
  const own = ofKind(await spansOf(collector, 2), SERVER);
  assert.equal(own.parentSpanId, CALLER);
  assert.equal(upstreamField(bench, 'tracestate'), 'vendor=x');
  await throughApp(['tracestate', 'vendor=of-no-trace']);
  const begun = ofKind((await spansOf(collector, 4)).slice(2), SERVER);
  assert.equal(begun.parentSpanId, undefined);
  assert.match(
    upstreamField(bench, 'traceparent') ?? '',
    new RegExp(`^00-${begun.traceId}-.*-01$`),
  );
  assert.deepEqual(
    (await settledRecords(bench.auditDir)).findLast(({ kind }) => kind === 'request')?.traceId,
    begun.traceId,
  );
  assert.equal(upstreamField(bench, 'tracestate'), 'vendor=x', 'none the second time');
});

test("the collector's key comes from a file, and is told nowhere", async (t) => {
  const collector = await collectorOf(t);
  const dir = await directory(t);
  await put(dir, 'key.txt', 'ApiKey a-collectors-secret\n');
  const headers = `ratio: 1, headerFiles: { Authorization: '${join(dir, 'key.txt')}' }`;
  const bench = await createRelayBench(t, { top: telemetry(collector, headers) });
  await ask(bench, '/x/1');
  await spansOf(collector, 2);
  assert.equal(collector.headers[0]?.authorization, 'ApiKey a-collectors-secret');
  assert.doesNotMatch(bench.log.join(''), /a-collectors-secret/);
});

for (const [what, answer] of [
  ['refuses', (response) => response.writeHead(403, 'eyJhbGciOi.eyJzdWI.x').end('eyJhbGciOi')],
  ['never answers', () => undefined],
  ['breaks', (response) => response.destroy()],
] as const satisfies readonly (readonly [string, Parameters<Collector['answer']>[0] & object])[])
  test(`a collector that ${what} costs spans, and no request`, async (t) => {
    const collector = await collectorOf(t);
    collector.answer(answer);
    const bench = await createRelayBench(t, {
      top: `${telemetry(collector)}\ndrain: { timeout: 1s }`,
    });
    for (let round = 0; round < 20; round++) assert.equal(await ask(bench, '/x/1'), 200);
    await until('a post', () => collector.headers.length > 0);
    assert.equal(await ask(bench, '/x/1'), 200);
    await bench.relay.stop();
    assert.doesNotMatch(bench.log.join(''), /eyJ/);
    const told = [...logged(bench, 'telemetry_problem'), ...logged(bench, 'telemetry_unsent')];
    assert.ok(told.length >= 1 && told.length <= 3, bench.log.join(''));
  });

test('a collector that nobody reaches is counted and told once', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}/v1/traces`;
  const bench = await createRelayBench(t, { top: telemetry({ url }) });
  for (let round = 0; round < 2; round++) {
    assert.equal(await ask(bench, '/x/1'), 200);
    await until(
      'failed spans',
      async () =>
        ((await readMetrics(bench)).get('latchkey_spans_total{result="failed"}') ?? 0) >=
        2 * (round + 1),
    );
  }
  const problems = logged(bench, 'telemetry_problem');
  assert.deepEqual(
    problems.map(({ problem }) => problem),
    ['the collector cannot be reached (ECONNREFUSED)'],
  );
});

test('a reload begins and ends traces; what was not sent yet still is', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t);
  await ask(bench, '/x/1');
  const without = await editConfig(bench, (text) => `${text}\n${telemetry(collector)}\n`);
  assert.equal((await postReload(bench)).status, 200);
  await ask(bench, '/x/1');
  await writeFile(bench.configFile, without);
  assert.equal((await postReload(bench)).status, 200);
  await ask(bench, '/x/1');
  const spans = await spansOf(collector, 2);
  await bench.relay.stop();
  assert.equal(spans.length, 2);
});

test('stopping sends what is left', async (t) => {
  const collector = await collectorOf(t);
  const bench = await createRelayBench(t, { top: telemetry(collector) });
  await ask(bench, '/x/1');
  await bench.relay.stop();
  assert.equal(collector.spans.length, 2);
});

test('workers send their spans, the last ones when they go', async (t) => {
  const collector = await collectorOf(t);
  const relay = await startRelayProcess(t, { top: `workers: 2\n${telemetry(collector)}` });
  const authorization = `Bearer ${await relay.token()}`;
  for (let round = 0; round < 8; round++) {
    const headers = { authorization, connection: 'close' };
    assert.equal((await fetch(`${relay.url}/x/1`, { headers })).status, 200);
  }
  assert.equal(await relay.stop(), 0);
  assert.equal(collector.spans.filter(({ kind }) => kind === SERVER).length, 8);
  const log = relay.events.map((event) => JSON.stringify(event)).join('\n');
  assert.doesNotMatch(log, /telemetry_/);
});

// The metrics' library has the API's package, which does nothing by itself.
test('without telemetry the packages that record and send are not loaded', async (t) => {
  const dir = await directory(t);
  const [hook, mark] = [join(dir, 'hook.mjs'), join(dir, 'loaded')];
  await writeFile(
    hook,
    `import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) {
  if (/@opentelemetry\\/(?!api\\/)/.test(url)) writeFileSync(${JSON.stringify(mark)}, url);
  return next(url, context);
} });
`,
  );
  const loads = async (top: string): Promise<boolean> => {
    const relay = await startRelayProcess(t, { top, nodeArgs: ['--import', hook] });
    const headers = { authorization: `Bearer ${await relay.token()}` };
    assert.equal((await fetch(`${relay.url}/x/1`, { headers })).status, 200);
    await relay.stop();
    return existsSync(mark);
  };
  assert.equal(await loads(''), false);
  assert.equal(await loads(telemetry(await collectorOf(t))), true);
});
