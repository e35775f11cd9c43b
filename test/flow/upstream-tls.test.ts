import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ApiConfig } from '../../relay/config/api-config.ts';
import { startAnswering } from '../relay/upstream/connected.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createCertificate } from '../support/certificate.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

/** A relay in front of one upstream. */
function relayTo(t: TestContext, upstream: string, api: Partial<ApiConfig> = {}) {
  return createRelayBench(t, {
    config: (config) => ({
      ...config,
      apis: config.apis.map((each) => ({ ...each, upstreams: [upstream], ...api })),
    }),
  });
}

async function get(bench: RelayBench): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await fetch(`${bench.relay.url}/x/1`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
    signal: AbortSignal.timeout(60_000),
  });
  return { status: answer.status, body: await answer.text() };
}

test('only the authority named for the API is believed, under the name that is expected', async (t) => {
  const tls = createCertificate(t);
  const api = await startAnswering(t, { tls, name: 'inside' });
  const url = `https://127.0.0.1:${api.port}`;
  const good = await relayTo(t, url, { upstreamTls: { ca: tls.cert, serverName: 'localhost' } });
  assert.deepEqual(await get(good), { status: 200, body: 'inside' });
  const refused: (Partial<ApiConfig> | undefined)[] = [
    undefined,
    { upstreamTls: { ca: createCertificate(t).cert } },
    { upstreamTls: { ca: tls.cert, serverName: 'other.test' } },
  ];
  for (const each of refused) {
    const bench = await relayTo(t, url, each);
    const { status, body } = await get(bench);
    assert.equal(status, 502);
    assert.match(body, /upstream_unreachable/);
  }
  assert.equal(api.paths.length, 1, 'nothing was sent to a server that was not believed');
});

test('the API is shown the client certificate; its key is told to nobody', async (t) => {
  const [tls, shown] = [createCertificate(t), createCertificate(t, 'relay')];
  const api = await startAnswering(t, { tls, clientCa: shown.cert, name: 'inside' });
  const url = `https://127.0.0.1:${api.port}`;
  const upstreamTls = { ca: tls.cert };
  const nobody = await relayTo(t, url, { upstreamTls });
  assert.equal((await get(nobody)).status, 502);
  const bench = await createRelayBench(t, {
    config: (config) => ({
      ...config,
      apis: config.apis.map((each) => ({
        ...each,
        upstreams: [url],
        upstreamTls,
        request: {
          ...each.request,
          credentials: { kind: 'clientCertificate', certificate: shown.cert, key: shown.key },
        },
      })),
    }),
  });
  assert.deepEqual(await get(bench), { status: 200, body: 'inside' });
  const told = bench.log.join('') + JSON.stringify(await settledRecords(bench.auditDir));
  assert.doesNotMatch(told, /PRIVATE KEY/);
});

test('an API behind a Unix socket', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-socket-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const socketPath = join(dir, 'api.sock');
  const api = await startAnswering(t, { socketPath, name: 'inside' });
  const bench = await relayTo(t, `unix:${socketPath}`);
  assert.deepEqual(await get(bench), { status: 200, body: 'inside' });
  const records = await settledRecords(bench.auditDir);
  const named = records.filter(({ kind }) => kind === 'outcome').map(({ upstream }) => upstream);
  assert.deepEqual(named, [`unix:${socketPath}`]);
  await api.stop();
  assert.equal((await get(bench)).status, 502);
});
