import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { createRawUpstream } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { bearer, send } from '../support/refused.ts';
import { startStreams } from '../support/logout.ts';
import { until } from '../support/until.ts';

/** A token that has just ended must get in within it, on a busy machine, too. */
const TOLERANCE_S = 10;
const TOLERANCE = `    clockTolerance: ${TOLERANCE_S}s`;
const seconds = (): number => Math.floor(Date.now() / 1000);

test('a request is answered, though its token ends while the API works on it', async (t) => {
  const answers: (() => void)[] = [];
  const upstream = await createRawUpstream((socket) => {
    answers.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  const bench = await createRelayBench(t, { upstream, issuer: TOLERANCE });
  const nowS = seconds();
  const tokens = [await bench.token({ exp: nowS + 1 }), await bench.token({ exp: nowS - 1 })];
  const sent = Promise.all(tokens.map((token) => send(bench, bearer(token))));
  await until('both are under way', () => answers.length === 2);
  // The relay looks each second at what has ended.
  const endedMs = (nowS - 1 + TOLERANCE_S) * 1_000 + 2_000;
  await until('both tokens have ended', () => Date.now() > endedMs);
  for (const answer of answers) answer();
  for (const answer of await sent) assert.match(answer, /^HTTP\/1\.1 200 [^]*ok$/);
});

test('a stream may end by itself within `streams.graceful`', async (t) => {
  const bench = await createRelayBench(t, {
    upstreams: [await startStreams(t)],
    api: '    streams: { graceful: 3s }',
  });
  const endsAtMs = (seconds() + 1) * 1_000;
  const headers = { authorization: `Bearer ${await bench.token({ exp: endsAtMs / 1_000 })}` };
  const socket = new WebSocket(`${bench.relay.url.replace('http', 'ws')}/x/socket`, { headers });
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1008);
  assert.ok(Date.now() >= endsAtMs + 3_000);
});

test('a stream that `clockTolerance` let begin late lasts as long as that', async (t) => {
  const bench = await createRelayBench(t, {
    upstreams: [await startStreams(t)],
    issuer: TOLERANCE,
  });
  const endsAtMs = (seconds() - 1) * 1_000;
  const headers = { authorization: `Bearer ${await bench.token({ exp: endsAtMs / 1_000 })}` };
  const socket = new WebSocket(`${bench.relay.url.replace('http', 'ws')}/x/socket`, { headers });
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1008);
  assert.ok(Date.now() >= endsAtMs + TOLERANCE_S * 1_000);
});
