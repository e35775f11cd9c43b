import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { createRawUpstream } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { bearer, send } from '../support/refused.ts';
import { startStreams } from '../support/logout.ts';

const TOLERANCE = '    clockTolerance: 4s';
const seconds = (): number => Math.floor(Date.now() / 1000);

test('a request is answered, though its token ends while the API works on it', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 3_500);
  });
  const bench = await createRelayBench(t, { upstream, issuer: TOLERANCE });
  const tokens = [
    await bench.token({ exp: seconds() + 1 }),
    await bench.token({ exp: seconds() - 1 }),
  ];
  const answers = await Promise.all(tokens.map((token) => send(bench, bearer(token))));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 [^]*ok$/);
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
  assert.ok(Date.now() >= endsAtMs + 4_000);
});
