import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { allRecords } from '../audit/ledger-dir.ts';
import { createControlClient } from '../../app/main/agent/control/client.ts';
import { controlAddress } from '../../app/main/agent/control/address.ts';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Asks by curl, as this user or as another. */
async function curl(
  url: string,
  { uid, args = [] }: { readonly uid?: number; readonly args?: readonly string[] } = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const { stdout } = await run('curl', ['-s', '-w', '\n%{http_code}', ...args, url], {
    cwd: '/',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
}

async function agentWith(relayUrl: string, settings: object): Promise<AgentProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-users-'));
  await writeFile(join(dataDir, 'settings.json'), JSON.stringify(settings));
  const agent = await startAgent(relayUrl, { dataDir });
  await agent.signIn('alice');
  return agent;
}

describe('whose requests the port answers', () => {
  const company = useCompany();
  let agent: AgentProcess;

  before(async () => {
    agent = await agentWith(company().relayUrl, {});
  });
  after(async () => agent?.close());

  test(
    'another user of this computer gets nothing: no API, no page, no status',
    { skip: !isRoot && 'only root can be somebody else' },
    async () => {
      for (const path of ['/billing/invoices', '/', '/.latchkey/status']) {
        for (const host of [agent.url, agent.url.replace('127.0.0.1', '[::1]')]) {
          const { status, body } = await curl(host + path, { uid: NOBODY });
          assert.equal(status, 403, path);
          assert.equal((JSON.parse(body) as { code: string }).code, 'other_user');
          assert.doesNotMatch(body, /alice|invoice/);
        }
      }
      const socket = ['--unix-socket', join(agent.dataDir, 'latchkey.sock')];
      await assert.rejects(curl('http://billing/invoices', { uid: NOBODY, args: socket }));
    },
  );

  test('the owner’s tools need no key, and the audit names them', async () => {
    assert.equal((await curl(`${agent.url}/billing/invoices`)).status, 200);
    const socket = ['--unix-socket', join(agent.dataDir, 'latchkey.sock')];
    assert.equal((await curl('http://billing/invoices', { args: socket })).status, 200);
    // A tool that is gone before the system was asked about it has no process.
    await until('the audit names a tool and its process', async () => {
      await curl(`${agent.url}/billing/invoices`);
      const records = await allRecords(join(agent.dataDir, 'audit'));
      return records.some(
        ({ kind, tool }) => kind === 'request' && tool?.name === 'curl' && (tool.pid ?? 0) > 1,
      );
    });
  });

  test(
    'guard.otherUsers lets others in, where the owner says so',
    { skip: !isRoot && 'only root can be somebody else' },
    async (t) => {
      const open = await agentWith(company().relayUrl, { guard: { otherUsers: true } });
      t.after(() => open.close());
      const { status } = await curl(`${open.url}/billing/invoices`, { uid: NOBODY });
      assert.equal(status, 200);
    },
  );
});

describe('keys of tools', () => {
  const company = useCompany();
  let agent: AgentProcess;
  const keys = (): ReturnType<typeof createControlClient> =>
    createControlClient(controlAddress(agent.dataDir));
  const ask = (path: string, key?: string, ...args: string[]) =>
    curl(agent.url + path, {
      args: [...args, ...(key === undefined ? [] : ['-H', `X-Latchkey-Key: ${key}`])],
    });

  before(async () => {
    agent = await agentWith(company().relayUrl, { guard: { requireToolKeys: true } });
  });
  after(async () => agent?.close());

  test('where keys are required, no tool gets through without one that is good', async () => {
    for (const key of [undefined, 'lk_wrong', '']) {
      const { status, body } = await ask('/billing/invoices', key);
      assert.equal(status, 403);
      assert.match(body, /"code":"tool_key"/);
    }
    const { secret } = await keys().addKey({ name: 'all' });
    assert.equal((await ask('/billing/invoices', secret)).status, 200);
    const asProxyUser = agent.url.replace('http://', `http://${secret}@`);
    const bySite = await curl('http://billing.internal.example.com/invoices', {
      args: ['-x', asProxyUser],
    });
    assert.equal(bySite.status, 200, bySite.body);
    const records = await allRecords(join(agent.dataDir, 'audit'));
    assert.ok(records.some(({ tool }) => tool?.key === 'all'));
    assert.ok(!JSON.stringify(records).includes(secret), 'no record holds the key itself');
  });

  test('a key opens what it is for, and nothing else', async () => {
    const { secret: billing } = await keys().addKey({ name: 'billing only', apis: ['billing'] });
    assert.equal((await ask('/billing/invoices', billing)).status, 200);
    assert.equal((await ask('/payroll/payslips', billing)).status, 403);
    assert.equal((await ask('/nothing', billing)).status, 403);
    const { secret: reader } = await keys().addKey({ name: 'reader', readOnly: true });
    assert.equal((await ask('/billing/invoices', reader)).status, 200);
    const posted = await ask('/billing/echo', reader, '-d', 'x');
    assert.equal(posted.status, 403);
    assert.match(posted.body, /read-only/);
  });

  test('a revoked key and one that was lent end at once', async () => {
    const { key, secret } = await keys().addKey({ name: 'short' });
    assert.equal((await ask('/billing/invoices', secret)).status, 200);
    await keys().revokeKey(key.id);
    assert.equal((await ask('/billing/invoices', secret)).status, 403);
    const loan = await keys().lend({ name: 'a run' });
    assert.equal((await ask('/billing/invoices', loan.secret)).status, 200);
    loan.end();
    await until(
      'the lent key is refused',
      async () => (await ask('/billing/invoices', loan.secret)).status === 403,
    );
  });
});
