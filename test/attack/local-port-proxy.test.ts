import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import { seed, startHeardRelay, startProfiles } from '../support/profile-bench.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';

const SITE = 'billing.internal.example.com';
const BROWSER = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0';

/** A signed-in agent whose relay lists a site, and a way to ask as it stands in the request. */
async function start(t: TestContext) {
  const relay = await startHeardRelay(t, 'acme', [SITE]);
  const vault = createMemoryVault();
  await seed(vault, relay.url, 'token');
  const { port } = await startProfiles(
    t,
    { relays: [{ name: 'Acme', url: relay.url }] },
    { vaultAt: () => vault },
  );
  const ask = (target: string, host: string, ...more: readonly string[]): Promise<string> => {
    const fields = [`Host: ${host}`, ...more].join('\r\n');
    const request = `GET ${target} HTTP/1.1\r\n${fields}\r\n\r\n`;
    return sendRaw(`http://127.0.0.1:${port}`, request, { quietMs: 150 });
  };
  return { port, relay, ask };
}

test('a tool that uses the port as its proxy may send another Host: it is ignored (RFC 9112 §3.2.2)', async (t) => {
  const { relay, ask } = await start(t);
  const answer = await ask(`http://${SITE}/x`, 'other.example');
  assert.equal(statusOf(answer), 200, answer);
  assert.equal(relay.seen[0]?.url, '/billing/x');
});

test('a page whose browser has the port for its proxy reaches neither our own names nor a site', async (t) => {
  const { port, relay, ask } = await start(t);
  const own = [`http://localhost:${port}/billing/x`, `http://billing.localhost:${port}/x`];
  for (const target of [...own, `http://${SITE}/x`]) {
    const { host } = new URL(target);
    for (const field of [
      'Origin: http://evil.example',
      'Referer: http://evil.example/',
      'Sec-Fetch-Site: cross-site',
    ]) {
      for (const named of [host, 'evil.example', `localhost:${port}`]) {
        const answer = await ask(target, named, field);
        assert.equal(codeOf(answer), 'foreign_origin', `${target} ${named} ${field}`);
      }
    }
  }
  for (const named of [SITE, 'evil.example', `localhost:${port}`]) {
    const answer = await ask(`http://${SITE}/x`, named, BROWSER);
    assert.equal(codeOf(answer), 'foreign_origin', named);
  }
  assert.deepEqual(relay.seen, []);
});

test('a rebound name gets nothing, as it can send no whole URL but its own', async (t) => {
  const { port, relay, ask } = await start(t);
  for (const [target, host] of [
    ['/billing/x', `evil.example:${port}`],
    ['/billing/x', SITE],
    ['/x', `${SITE}:${port}`],
    [`http://evil.example:${port}/billing/x`, `evil.example:${port}`],
    [`http://evil.example:${port}/billing/x`, SITE],
    [`http://evil.example:${port}/billing/x`, `localhost:${port}`],
    ['http://evil.example/x', `billing.localhost:${port}`],
  ] as const) {
    assert.equal(codeOf(await ask(target, host)), 'foreign_host', `${target} ${host}`);
  }
  assert.deepEqual(relay.seen, []);
});
