import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRelayBench } from '../support/relay.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { received } from '../support/token-endpoint.ts';

const FORGED = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.';
const SPELLINGS = [
  'X-Latchkey-Assertion',
  'x-latchkey-assertion',
  'X_Latchkey_Assertion',
  'X.Latchkey-Assertion',
];

for (const assertion of [true, false])
  void test(`a client's own assertion never arrives where assertions are ${assertion ? 'on' : 'off'}`, async (t) => {
    const bench = await createRelayBench(t, {
      config: (config) => ({
        ...config,
        apis: config.apis.map((api) => ({ ...api, request: { ...api.request, assertion } })),
      }),
    });
    const head = `Host: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
    const fields = SPELLINGS.map((name) => `${name}: ${FORGED}\r\n`).join('');
    const plain = await sendRaw(bench.relay.url, `GET /x/a HTTP/1.1\r\n${head}${fields}\r\n`);
    assert.equal(statusOf(plain), 200, plain);
    // Named in Connection, ours could be taken for a hop's own and be dropped.
    const named = await sendRaw(
      bench.relay.url,
      `GET /x/a HTTP/1.1\r\n${head}${fields}Connection: close, X-Latchkey-Assertion\r\n\r\n`,
    );
    assert.equal(statusOf(named), 200, named);
    const trailers = await sendRaw(
      bench.relay.url,
      `POST /x/a HTTP/1.1\r\n${head}Trailer: X-Latchkey-Assertion\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${fields}\r\n`,
    );
    assert.equal(statusOf(trailers), 200, trailers);
    const arrived = bench.upstream.received();
    assert.ok(!arrived.join('').includes(FORGED), arrived.join(''));
    const ours = received(arrived, 'X-Latchkey-Assertion');
    assert.equal(ours.length, assertion ? 3 : 0);
  });

void test('an API that shows its assertion around sends it to nobody through the relay', async (t) => {
  const upstream = await createRawUpstream((socket, bytes) => {
    const [assertion = ''] = received([bytes], 'X-Latchkey-Assertion');
    socket.write(
      `HTTP/1.1 200 OK\r\nX-Latchkey-Assertion: ${assertion}\r\nx_latchkey_assertion: ${assertion}\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  const bench = await createRelayBench(t, {
    upstream,
    config: (config) => ({
      ...config,
      apis: config.apis.map((api) => ({ ...api, request: { ...api.request, assertion: true } })),
    }),
  });
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/a HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 200);
  assert.doesNotMatch(answer, /latchkey.assertion|eyJ/i);
  const traced = await sendRaw(
    bench.relay.url,
    `TRACE /x/a HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n\r\n`,
  );
  assert.equal(statusOf(traced), 405);
});
