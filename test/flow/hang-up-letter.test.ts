import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRaw } from '../support/letter.ts';
import { statusOf } from '../support/raw.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

/** Whoever sends them has no token. */
const REFUSED: Readonly<Record<string, string>> = {
  'what is no HTTP': 'nonsense\r\n\r\n',
  CONNECT: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  'an upgrade':
    'GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
};
const linux = process.platform !== 'linux' && 'descriptors are read from /proc';

describe('a stranger is refused', () => {
  for (const [what, bytes] of Object.entries(REFUSED))
    test(`for ${what}, and resets the connection: the relay goes on`, async (t) => {
      const relay = await startRelayProcess(t);
      for (let at = 0; at < 40; at++) {
        const client = await openRaw(relay.url);
        client.socket.write(bytes);
        if (at % 4 > 0) await sleep(at % 4);
        client.socket.resetAndDestroy();
      }
      await sleep(100);
      assert.equal(relay.child.exitCode, null);
    });

  for (const [what, bytes] of Object.entries(REFUSED))
    test(
      `for ${what}, says more and leaves: nothing is left of the connection (RFC 9112 §9.6)`,
      { skip: linux },
      async (t) => {
        const relay = await startRelayProcess(t);
        const open = (): number => readdirSync(`/proc/${relay.child.pid}/fd`).length;
        await sleep(100);
        const before = open();
        for (let at = 0; at < 20; at++) {
          const client = await openRaw(relay.url);
          client.send(bytes);
          assert.ok(statusOf(await client.ended()) >= 400);
          client.socket.end('x');
        }
        await until('the descriptors are closed', () => open() <= before + 5);
      },
    );
});
