import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createRawUpstream } from '../support/raw.ts';
import { startRelayProcess, type RelayProcess } from '../support/relay-process.ts';

// A guard against slow creep that asks no clock: without a compiler that decides when it likes, and without
// a collection, a request allocates the same bytes each time, on every machine.
const COUNTED = [
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--single-threaded',
  '--min-semi-space-size=192',
  '--max-semi-space-size=192',
];
const WARM = 400;
const MEASURED = 1_000;
/**
 * Raise it only with the reason beside it; `npm run bench -- --profile` says what allocates. 39,300 until names
 * were sealed (2,300, looks at the keys' file included), anomalies looked for (2,700), hashes given a domain
 * (1,200) and traces carried on: 48,300. What the relay does whoever asks, some 30 KB a second, is shared among
 * them: 1,200 more each on a machine that takes ten times as long.
 */
const BYTES_A_REQUEST = 55_000;

const HEAP = 'nodejs_heap_size_used_bytes';

interface Client {
  readonly socket: Socket;
  /** Sends it and waits for its answer; resolves to how many pieces the answer came in. */
  ask(): Promise<number>;
}

async function createClient(t: TestContext, relay: RelayProcess): Promise<Client> {
  const { host, hostname, port } = new URL(relay.url);
  const token = await relay.token();
  const request = `GET /x/invoices/17?page=2 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\nUser-Agent: guard\r\nAccept-Language: en\r\n\r\n`;
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return {
    socket,
    ask: () =>
      new Promise((resolve, reject) => {
        let pieces = 0;
        let text = '';
        const read = (chunk: Buffer): void => {
          pieces += 1;
          text += chunk.toString('latin1');
          if (!text.endsWith('\r\n\r\nok')) return;
          socket.off('data', read);
          if (text.startsWith('HTTP/1.1 200 ')) resolve(pieces);
          else reject(new Error(text));
        };
        socket.on('data', read);
        socket.write(request, 'latin1');
      }),
  };
}

test('an admitted request allocates no more than it did, and is one write each way', async (t) => {
  let arrived = 0;
  const upstream = await createRawUpstream((socket) => {
    arrived += 1;
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok');
  });
  const relay = await startRelayProcess(t, { upstream, nodeArgs: COUNTED });
  const client = await createClient(t, relay);
  const heapAfter = async (requests: number): Promise<number> => {
    for (let at = 0; at < requests; at++)
      assert.equal(await client.ask(), 1, 'head and body of a short answer leave together');
    return (await relay.metrics()).get(HEAP) ?? 0;
  };
  await heapAfter(WARM);
  // Reading the metrics allocates as well: the difference of two differences is the requests' own.
  const [one, two, three] = [await heapAfter(0), await heapAfter(0), await heapAfter(MEASURED)];
  const bytes = Math.round((three - two - (two - one)) / MEASURED);
  t.diagnostic(JSON.stringify({ guard: 'hot path', bytesARequest: bytes }));
  assert.equal(arrived, WARM + MEASURED, 'each request reaches the API in one piece');
  assert.ok(bytes > 1_000, `${bytes} bytes: a collection must have come between`);
  assert.ok(
    bytes <= BYTES_A_REQUEST,
    `a request allocates ${bytes} bytes, ${BYTES_A_REQUEST} are its budget: find what grew, or raise the budget and say why`,
  );
});
