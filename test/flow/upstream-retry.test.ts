import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { ApiConfig } from '../../relay/config/api-config.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { freePort } from '../support/free-port.ts';
import { createRawUpstream, type RawUpstream } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

/** A port on which nothing listens. */
const refusing = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

/** Reads the request and breaks the connection. */
const breaking = (): Promise<RawUpstream> => createRawUpstream((socket) => socket.destroy());
/** Reads the request and says nothing. */
const silent = (): Promise<RawUpstream> => createRawUpstream(() => {});
const good = (): Promise<RawUpstream> => createRawUpstream();
const garbled = (): Promise<RawUpstream> =>
  createRawUpstream((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'));

/** A relay in front of two addresses, the first of which gets the first request. */
async function benchOf(
  t: TestContext,
  upstreams: readonly string[],
  api: Partial<ApiConfig> = {},
): Promise<RelayBench> {
  return createRelayBench(t, {
    upstreams,
    config: (config) => ({
      ...config,
      apis: config.apis.map((each) => ({ ...each, retries: 1, ...api })),
    }),
  });
}

async function send(
  bench: RelayBench,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly code: string | null }> {
  const answer = await fetch(`${bench.relay.url}/x/1`, {
    ...init,
    headers: { authorization: `Bearer ${await bench.token()}` },
    signal: AbortSignal.timeout(60_000),
  });
  await answer.arrayBuffer();
  return { status: answer.status, code: answer.headers.get('x-latchkey-code') };
}

/** Sends two requests, so that each address is the first of one; the worse answer. */
async function sendTwice(bench: RelayBench, init: () => RequestInit) {
  const both = [await send(bench, init()), await send(bench, init())];
  return both.toSorted((one, other) => other.status - one.status)[0];
}

/** The outcomes of what was answered so far. */
async function outcomes(bench: RelayBench) {
  const records = await settledRecords(bench.auditDir);
  return records.filter(({ kind, api }) => kind === 'outcome' && api === 'x');
}

function closing(t: TestContext, ...upstreams: readonly RawUpstream[]): void {
  t.after(() => Promise.all(upstreams.map((upstream) => upstream.close())));
}

describe('a connection that breaks before the answer', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    test(`${method} goes to the other address, which the audit names`, async (t) => {
      const [bad, well] = [await breaking(), await good()];
      closing(t, bad, well);
      const bench = await benchOf(t, [bad.url, well.url]);
      assert.deepEqual(await sendTwice(bench, () => ({ method })), { status: 200, code: null });
      assert.equal(bad.requests(), 1);
      assert.equal(well.requests(), 2);
      const named = (await outcomes(bench)).map(({ upstream, status }) => [upstream, status]);
      assert.deepEqual(named, [
        [well.url, 200],
        [well.url, 200],
      ]);
    });
  }

  for (const method of ['POST', 'PATCH', 'PURGE'])
    test(`${method} is not sent twice`, async (t) => {
      const [bad, well] = [await breaking(), await good()];
      closing(t, bad, well);
      const bench = await benchOf(t, [bad.url, well.url]);
      const answer = await sendTwice(bench, () => ({ method }));
      assert.deepEqual(answer, { status: 502, code: 'upstream_unreachable' });
      assert.equal(bad.requests() + well.requests(), 2);
    });

  test('a body that was read is not sent twice', async (t) => {
    const [bad, well] = [await breaking(), await good()];
    closing(t, bad, well);
    const bench = await benchOf(t, [bad.url, well.url]);
    const answer = await sendTwice(bench, () => ({ method: 'PUT', body: 'x'.repeat(1_000) }));
    assert.deepEqual(answer, { status: 502, code: 'upstream_unreachable' });
    assert.equal(bad.requests() + well.requests(), 2);
  });

  test('without retries it is told', async (t) => {
    const [bad, well] = [await breaking(), await good()];
    closing(t, bad, well);
    const bench = await benchOf(t, [bad.url, well.url], { retries: 0 });
    assert.equal((await sendTwice(bench, () => ({})))?.status, 502);
    const named = (await outcomes(bench)).map(({ upstream, status }) => `${upstream} ${status}`);
    assert.deepEqual(named.toSorted(), [`${bad.url} 502`, `${well.url} 200`].toSorted());
  });

  test('no more addresses are tried than allowed, and each once', async (t) => {
    const bad = [await breaking(), await breaking(), await breaking(), await breaking()];
    closing(t, ...bad);
    const urls = bad.map(({ url }) => url);
    const bench = await benchOf(t, urls, { retries: 2 });
    assert.equal((await send(bench)).status, 502);
    assert.deepEqual(
      bad.map((each) => each.requests()).toSorted((a, b) => a - b),
      [0, 1, 1, 1],
    );
    assert.equal((await outcomes(bench)).length, 1, 'one request, one outcome');
  });
});

describe('an address that refuses the connection', () => {
  for (const method of ['GET', 'POST'])
    test(`${method} was not sent, so it goes to the other`, async (t) => {
      const well = await good();
      closing(t, well);
      const bench = await benchOf(t, [await refusing(), well.url]);
      assert.deepEqual(await sendTwice(bench, () => ({ method })), { status: 200, code: null });
      assert.equal(well.requests(), 2);
    });

  test('a WebSocket is opened at the other', async (t) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    t.after(() => server.close());
    server.on('connection', (socket) => socket.send('hello'));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const bench = await benchOf(t, [await refusing(), `http://127.0.0.1:${port}`]);
    const headers = { authorization: `Bearer ${await bench.token()}` };
    for (let round = 0; round < 2; round++) {
      const socket = new WebSocket(`${bench.relay.url.replace('http', 'ws')}/x/ws`, { headers });
      const hello = await new Promise((resolve, reject) => {
        socket.on('message', (data: Buffer) => resolve(data.toString()));
        socket.on('error', reject);
      });
      assert.equal(hello, 'hello');
      socket.close();
    }
  });
});

describe('what is never tried again', () => {
  test('a request whose answer does not come in time: it may be under way', async (t) => {
    const [bad, well] = [await silent(), await good()];
    closing(t, bad, well);
    const bench = await benchOf(t, [bad.url, well.url], {
      timeouts: { connectMs: 60_000, headersMs: 200, idleMs: 60_000 },
    });
    const answer = await sendTwice(bench, () => ({}));
    assert.deepEqual(answer, { status: 504, code: 'upstream_timeout' });
    assert.equal(bad.requests() + well.requests(), 2);
  });

  test('a bad answer', async (t) => {
    const [bad, well] = [await garbled(), await good()];
    closing(t, bad, well);
    const bench = await benchOf(t, [bad.url, well.url]);
    const answer = await sendTwice(bench, () => ({}));
    assert.deepEqual(answer, { status: 502, code: 'upstream_protocol' });
    assert.equal(bad.requests() + well.requests(), 2);
  });

  test("the API's own errors: they are answers, and no reason to leave it alone", async (t) => {
    const failing = (): Promise<RawUpstream> =>
      createRawUpstream((socket) => {
        socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
      });
    const [one, two] = [await failing(), await failing()];
    closing(t, one, two);
    const bench = await benchOf(t, [one.url, two.url]);
    for (let at = 0; at < 12; at++)
      assert.deepEqual(await send(bench), { status: 503, code: null }, 'by the API');
    assert.deepEqual([one.requests(), two.requests()], [6, 6]);
  });
});

test('the time for the whole exchange holds for all tries together', async (t) => {
  const late = await createRawUpstream((socket) => void setTimeout(() => socket.destroy(), 500));
  const mute = await silent();
  closing(t, late, mute);
  const bench = await benchOf(t, [mute.url, late.url], {
    timeouts: { connectMs: 60_000, headersMs: 120_000, idleMs: 120_000, totalMs: 8_000 },
  });
  const begunMs = Date.now();
  assert.deepEqual(await send(bench), { status: 504, code: 'upstream_timeout' });
  assert.deepEqual([late.requests(), mute.requests()], [1, 1]);
  assert.ok(Date.now() - begunMs < 60_000, 'not the time for the head');
});

describe('when nobody is left', () => {
  test('503 no_upstream says when to come back, and is recorded with its outcome', async (t) => {
    const bench = await benchOf(t, [await refusing()]);
    for (let at = 0; at < 5; at++)
      assert.deepEqual(await send(bench), { status: 502, code: 'upstream_unreachable' });
    const ask = async (): Promise<Response> =>
      fetch(`${bench.relay.url}/x/1`, {
        headers: { authorization: `Bearer ${await bench.token()}` },
      });
    let answer = await ask();
    // Once a second it is tried all the same.
    await until('it is left alone', async () => {
      if (answer.status === 503) return true;
      await answer.arrayBuffer();
      answer = await ask();
      return false;
    });
    assert.equal(((await answer.json()) as { code: string }).code, 'no_upstream');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    const codes = (await outcomes(bench)).map(({ code }) => code);
    assert.equal(codes.pop(), 'no_upstream');
    assert.ok(codes.length >= 5);
    assert.deepEqual([...new Set(codes)], ['upstream_unreachable']);
    const ready = await fetch(`${bench.relay.management}/readyz`);
    assert.equal(ready.status, 200, 'only requests can find out that it is back');
    assert.match(await ready.text(), /[0-9]+ failures in a row, none is left/);
  });
});
