import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { auditCommand } from '../../relay/cli/audit.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createRelayBench } from '../support/relay.ts';

test('a running relay goes on under a new master key, without a restart', async (t) => {
  const bench = await createRelayBench(t);
  const request = async (user: string, path: string): Promise<number> => {
    const headers = { authorization: `Bearer ${await bench.token({ sub: user })}` };
    return (await fetch(`${bench.relay.url}/x/${path}`, { headers })).status;
  };
  const statuses = [await request('ada', 'one')];

  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const argv = ['rotate-key', '--config', bench.configFile, '--json'];
  const code = await auditCommand(argv, { stdout, stderr, env: process.env });
  stdout.end();
  stderr.end();
  assert.equal(code, 0, await text(stderr));
  assert.match(await text(stdout), /"inPlace":true,"overwritten":true,"recorded":true/);

  statuses.push(await request('ada', 'two'), await request('bob', 'three'));
  assert.deepEqual(statuses, [200, 200, 200]);
  const records = await settledRecords(bench.auditDir);
  const requests = records.filter(({ kind }) => kind === 'request');
  assert.deepEqual(
    requests.map(({ user, path }) => [user, path]),
    [
      ['ada', '/x/one'],
      ['ada', '/x/two'],
      ['bob', '/x/three'],
    ],
  );
  assert.equal(requests[0]?.who, requests[1]?.who);
  const said = records.find(({ detail }) => detail?.includes('rotate-key'));
  assert.equal(said?.kind, 'config');
});
