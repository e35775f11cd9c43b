import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { auditCommand } from '../../relay/cli/audit.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { retentionOf } from '../../relay/audit-retention.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createRelayBench } from '../support/relay.ts';

const DAY = 86_400_000;

test('an API’s own retention holds for it, the relay’s for all others', async (t) => {
  let read: RelayConfig | undefined;
  await createRelayBench(t, {
    audit: ', retention: 100d',
    api: '    audit: { retention: 7d }',
    config: (config) => {
      read = config;
      return config;
    },
  });
  const policy = retentionOf(read ?? assert.fail());
  assert.deepEqual(policy, { defaultMs: 100 * DAY, apis: { x: 7 * DAY } });
});

test('a running relay records truncated addresses, and an erasure by its command line', async (t) => {
  const bench = await createRelayBench(t, { audit: ', ip: truncated' });
  const headers = { authorization: `Bearer ${await bench.token({ sub: 'ada' })}` };
  await fetch(`${bench.relay.url}/x/one`, { headers });
  const before = (await settledRecords(bench.auditDir)).find(({ kind }) => kind === 'request');
  assert.deepEqual([before?.user, before?.ip], ['ada', '127.0.0.0']);

  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const argv = ['erase', '--config', bench.configFile, '--user', 'ada', '--json'];
  const code = await auditCommand(argv, { stdout, stderr, env: process.env });
  stdout.end();
  stderr.end();
  assert.equal(code, 0, await text(stderr));
  assert.match(await text(stdout), /"recorded":true/);
  // The token is one that the relay has seen, and so is the person.
  await fetch(`${bench.relay.url}/x/two`, { headers });
  const after = await settledRecords(bench.auditDir);
  assert.deepEqual(
    after.filter(({ kind }) => kind === 'request').map(({ user, path }) => [user, path]),
    [
      [undefined, '/x/one'],
      ['ada', '/x/two'],
    ],
  );
  assert.equal(after.find(({ kind }) => kind === 'erase')?.who, before?.who);
});
