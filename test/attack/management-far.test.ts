import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

/** Of no machine (RFC 5737); in a network of our own it is this one's, and no other can reach it. */
const FAR = '192.0.2.7';
const MARK = 'LATCHKEY_TEST_NETWORK';
const NETWORK = `ip link set lo up && ip address add ${FAR}/32 dev lo && exec "$@"`;
const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;

const CALLS = [
  'GET /config',
  'HEAD /config',
  'POST /reload',
  'POST /Reload/',
  'GET /revocations',
  'POST /revocations',
  'POST /revocations?x=/metrics',
];

async function send(
  management: string,
  requestLine: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const fields = Object.entries({
    Host: new URL(management).host,
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': '2',
    ...more,
  });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return await sendRaw(management, `${requestLine} HTTP/1.1\r\n${head}\r\n{}`);
}

if (process.env[MARK] === undefined) {
  test(
    'other machines neither read the configuration, nor reload, nor end sessions',
    { skip: !isLinuxRoot && 'a network of our own needs Linux and root' },
    () => {
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const program = [process.execPath, import.meta.filename];
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        ['--net', 'sh', '-c', NETWORK, 'sh', ...program],
        { env: { ...env, [MARK]: '1' }, encoding: 'utf8', timeout: 120_000 },
      );
      assert.equal(status, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /pass 1\n/);
    },
  );

  test('nor does whoever comes through a proxy on this machine', async (t) => {
    const bench = await createRelayBench(t);
    const management = String(bench.relay.management);
    for (const by of [{ Via: '1.1 proxy' }, { 'X-Forwarded-For': '192.0.2.9' }])
      for (const call of CALLS) assert.equal(statusOf(await send(management, call, by)), 403, call);
    assert.equal(statusOf(await send(management, 'GET /config')), 200);
    assert.equal(statusOf(await send(management, 'POST /reload')), 200);
    assert.equal(statusOf(await send(management, 'POST /revocations')), 400, 'names nobody');
  });
} else {
  test('from another address', async (t) => {
    const bench = await createRelayBench(t, {
      management: `{ listen: ${FAR}:0 }`,
      top: 'insecure: { plainHttp: true }',
    });
    const management = String(bench.relay.management);
    for (const call of CALLS) {
      const answer = await send(management, call);
      assert.equal(statusOf(answer), 403, call);
      assert.doesNotMatch(answer, /"hash"|"revoked"|"revocations"/);
      if (!call.startsWith('HEAD')) assert.match(answer, /"code":"local_only"/);
    }
    assert.deepEqual(
      bench.log.filter((line) => /"event":"(?:reloaded|revoked)"/.test(line)),
      [],
    );
    for (const page of ['/healthz', '/readyz', '/metrics'])
      assert.equal(statusOf(await send(management, `GET ${page}`)), 200, page);
  });
}
