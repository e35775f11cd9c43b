import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import { bodyOf, createLetterBench, matching, unchunk } from '../support/letter.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const UPGRADE = [
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';

/** A relay before a server of the `ws` package, and a way to open sockets through it. */
async function socketBench(t: TestContext, options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const open: WebSocket[] = [];
  t.after(() => {
    for (const socket of [...open, ...server.clients]) socket.terminate();
    server.close();
  });
  const { port } = server.address() as { readonly port: number };
  const bench: RelayBench = await createRelayBench(t, { upstreams: [`http://127.0.0.1:${port}`] });
  const url = `${bench.relay.url.replace('http', 'ws')}/x/ws`;
  const headers = { authorization: `Bearer ${await bench.token()}` };
  return {
    server,
    async connect(protocols: string[] = [], deflate = false) {
      const far = once(server, 'connection') as Promise<[WebSocket]>;
      const near = new WebSocket(url, protocols, { headers, perMessageDeflate: deflate });
      open.push(near);
      await once(near, 'open');
      return { near, far: (await far)[0] };
    },
  };
}

/** A frame with a mask of zeros, which leaves the payload readable. */
function frame(first: number, payload: string, masked: boolean): string {
  const length = String.fromCharCode((masked ? 0x80 : 0) | payload.length);
  return `${String.fromCharCode(first)}${length}${masked ? '\0\0\0\0' : ''}${payload}`;
}

describe('the opening handshake (RFC 6455 §4)', () => {
  test('its fields reach the API once each; the API’s choices reach the client', async (t) => {
    const chosen =
      'Sec-WebSocket-Protocol: v2.chat\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n';
    const bench = await createLetterBench(t, () => `${SWITCH}${chosen}\r\n`);
    const client = await bench.open();
    const asked = [
      'Sec-WebSocket-Protocol: v1.chat, v2.chat',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other',
    ];
    client.send(bench.head('GET /x/ws?a=b HTTP/1.1', ...UPGRADE, ...asked));
    const seen = await client.until(/\r\n\r\n$/);
    assert.ok(seen.startsWith('HTTP/1.1 101 Switching Protocols\r\n'));
    for (const line of `${SWITCH}${chosen}`.trim().split('\r\n').slice(1))
      assert.equal(seen.toLowerCase().split(`\r\n${line.toLowerCase()}\r\n`).length, 2, line);
    const arrived = bench.arrived();
    assert.match(arrived, /^GET \/ws\?a=b HTTP\/1\.1\r\n/);
    for (const line of [...UPGRADE.slice(2), ...asked])
      assert.equal(arrived.split(`\r\n${line}\r\n`).length, 2, line);
    assert.deepEqual(arrived.match(/^(?:connection|upgrade):.*$/gim), [
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]);
  });

  for (const [status, line, field] of [
    [401, '401 Unauthorized', 'WWW-Authenticate: Basic realm="api"'],
    [403, '403 Forbidden', 'X-Why: not you'],
    [426, '426 Upgrade Required', 'Sec-WebSocket-Version: 13, 8'],
    [302, '302 Found', 'Location: /elsewhere'],
  ] as const)
    test(`the API’s ${status} in place of the switch comes whole, and ends the connection`, async (t) => {
      const answer = `HTTP/1.1 ${line}\r\n${field}\r\nContent-Length: 3\r\n\r\nno!`;
      const bench = await createLetterBench(t, () => answer);
      const seen = await bench.once(bench.head('GET /x/ws HTTP/1.1', ...UPGRADE));
      assert.equal(statusOf(seen), status);
      assert.match(seen, /\r\nConnection: close\r\n/);
      if (status !== 302) assert.ok(seen.includes(`\r\n${field}\r\n`), seen);
      assert.equal(bodyOf(seen), 'no!');
      await until('the upstream is free', () => bench.upstream.open() === 0);
    });
});

describe('frames (RFC 6455 §5)', () => {
  test('fragments, with control frames between them, pass byte for byte, however they are cut', async (t) => {
    // Fragmented text, a ping and a pong within it, RSV1 set, an empty frame, an unknown opcode.
    const frames = (masked: boolean): string =>
      [
        frame(0x01, 'Hel', masked),
        frame(0x89, 'ping', masked),
        frame(0x00, '', masked),
        frame(0x8a, 'pong', masked),
        frame(0x80, 'lo\xff\0', masked),
        frame(0xc2, '\x9c\x03', masked),
        frame(0x8b, '?', masked),
      ].join('');
    let far: Socket | undefined;
    // The first bytes come together with the switch.
    const bench = await createLetterBench(t, (_head, socket) => {
      far = socket;
      return `${SWITCH}\r\n${frames(false).slice(0, 4)}`;
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/ws HTTP/1.1', ...UPGRADE));
    await client.until(/\r\n\r\n[^]{4}$/);
    for (const byte of frames(false).slice(4)) {
      far?.write(byte, 'latin1');
      await sleep(1);
    }
    for (const byte of frames(true)) {
      client.send(byte);
      await sleep(1);
    }
    await until(
      'all frames of the client have arrived',
      () => bodyOf(bench.arrived()).length === frames(true).length,
    );
    assert.equal(bodyOf(bench.arrived()), frames(true));
    await until(
      'all frames of the API have come',
      () => bodyOf(client.seen()).length === frames(false).length,
    );
    assert.equal(bodyOf(client.seen()), frames(false));
  });

  test('permessage-deflate and a sub-protocol are agreed upon end to end, and 1 MiB passes both ways', async (t) => {
    const { connect } = await socketBench(t, {
      perMessageDeflate: true,
      handleProtocols: () => 'v2.chat',
    });
    const { near, far } = await connect(['v1.chat', 'v2.chat'], true);
    assert.equal(near.protocol, 'v2.chat');
    assert.match(near.extensions, /permessage-deflate/);
    assert.equal(far.extensions, near.extensions);
    for (const data of [Buffer.alloc(2 ** 20, 'latchkey'), randomBytes(2 ** 20)])
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        const arrival = once(to, 'message') as Promise<[Buffer]>;
        from.send(data);
        assert.ok((await arrival)[0].equals(data));
      }
  });

  test('pings are answered by the other end, not by the relay', async (t) => {
    const { connect } = await socketBench(t);
    const { near, far } = await connect();
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const [ping, pong] = [once(to, 'ping'), once(from, 'pong')];
      from.ping('are you there');
      assert.equal(String((await ping)[0]), 'are you there');
      assert.equal(String((await pong)[0]), 'are you there');
    }
  });

  test('close codes and reasons pass both ways, and both ends see a clean close', async (t) => {
    const { connect, server } = await socketBench(t);
    for (const code of [1000, 1011, 3000, 4999])
      for (const isOurs of [true, false]) {
        const { near, far } = await connect();
        const ends = [once(near, 'close'), once(far, 'close')];
        (isOurs ? near : far).close(code, `because ${code}`);
        for (const [seen, reason] of await Promise.all(ends)) {
          assert.equal(seen, code);
          assert.equal(String(reason), `because ${code}`);
        }
      }
    await until('the API has lost its client', () => server.clients.size === 0);
  });
});

describe('event streams', () => {
  const HEAD =
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n';
  const event = (text: string): string =>
    `${(text.length + 8).toString(16)}\r\ndata: ${text}\n\n\r\n`;

  test('each event reaches the client before the next is sent, and Last-Event-ID the API', async (t) => {
    let far: Socket | undefined;
    const bench = await createLetterBench(t, (_head, socket) => {
      far = socket;
      return HEAD;
    });
    const client = await bench.open();
    client.send(
      bench.head('GET /x/events HTTP/1.1', 'Last-Event-ID: 41', 'Accept: text/event-stream'),
    );
    const head = await client.until(/\r\n\r\n$/);
    assert.match(head, /\r\nContent-Type: text\/event-stream\r\nCache-Control: no-cache\r\n/);
    assert.match(bench.arrived(), /\r\nLast-Event-ID: 41\r\n/);
    for (let at = 0; at < 20; at++) {
      far?.write(event(`number ${at}`));
      await client.until(new RegExp(`data: number ${at}\n\n\r\n$`));
    }
    far?.write('0\r\n\r\n');
    const { body } = unchunk(bodyOf(await client.until(/\r\n0\r\n\r\n$/)));
    assert.equal(body.split('\n\n').length, 21);
  });

  test('the first event is not held back when it comes with the head, or in the middle of a chunk', async (t) => {
    const bench = await createLetterBench(t, (head) =>
      head.startsWith('GET /half') ? `${HEAD}ff\r\ndata: begun\n` : HEAD + event('first'),
    );
    for (const [path, wanted] of [
      ['whole', /data: first\n\n\r\n$/],
      ['half', /data: begun\n\r\n$/],
    ] as const) {
      const client = await bench.open();
      client.send(bench.head(`GET /x/${path} HTTP/1.1`));
      await client.until(wanted);
    }
    const old = await bench.open();
    old.send(bench.head('GET /x/whole HTTP/1.0'));
    assert.equal(bodyOf(await matching(old.seen, /\n\n$/)), 'data: first\n\n');
  });

  for (const how of ['end', 'resetAndDestroy'] as const)
    test(`a client that leaves (${how}) frees the upstream, also before the first event`, async (t) => {
      const bench = await createLetterBench(t, (head) =>
        head.startsWith('GET /mute') ? undefined : HEAD + event('first'),
      );
      for (const path of ['mute', 'events']) {
        const client = await bench.open();
        client.send(bench.head(`GET /x/${path} HTTP/1.1`));
        if (path === 'events') await client.until(/first/);
        else await bench.arrives(/GET \/mute/);
        assert.equal(bench.upstream.open(), 1);
        client.socket[how]();
        await until('the upstream is free', () => bench.upstream.open() === 0);
      }
    });
});
