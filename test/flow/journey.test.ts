import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { useCompany } from '../support/company.ts';
import { sendRaw } from '../support/raw.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

describe('sign in once, point a tool at localhost, get the internal API', () => {
  const company = useCompany();
  let alice: AgentProcess;
  let carol: AgentProcess;

  before(async () => {
    alice = await startAgent(company().relayUrl);
    carol = await startAgent(company().relayUrl);
    await alice.signIn('alice');
    await carol.signIn('carol');
  });
  after(async () => {
    await alice?.close();
    await carol?.close();
  });

  test('curl gets the invoices, in path mode and in name mode', async () => {
    const { port } = new URL(alice.url);
    const path = await run('curl', ['-sS', '-i', `http://localhost:${port}/billing/invoices`]);
    assert.match(path.stdout, /^HTTP\/1\.1 200 /);
    assert.match(path.stdout, /INV-1002/);
    const name = await run('curl', ['-sS', '-i', `http://billing.localhost:${port}/invoices`]);
    assert.match(name.stdout, /^HTTP\/1\.1 200 /);
    assert.match(name.stdout, /INV-1002/);
  });

  test('the request id of an answer is in both audits, and both chains verify', async () => {
    const answer = await fetch(`${alice.url}/billing/invoices?page=1&secret=x`);
    await answer.text();
    const id = answer.headers.get('x-request-id');
    assert.match(id ?? '', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    for (const dir of [company().auditDir, join(alice.dataDir, 'audit')]) {
      const records = (await settledRecords(dir)).filter(({ requestId }) => requestId === id);
      assert.deepEqual(
        records.map(({ kind }) => kind),
        ['request', 'outcome'],
        dir,
      );
      assert.equal(records[0]?.decision, 'allow');
      assert.equal(records[1]?.status, 200);
      assert.doesNotMatch(JSON.stringify(records), /secret=x/);
    }
    const request = (await settledRecords(company().auditDir)).find(
      ({ requestId }) => requestId === id,
    );
    assert.equal(request?.api, 'billing');
    assert.equal(request?.rule, 'read');
    assert.equal(request?.path, '/billing/invoices?page=1');
    const { stdout } = await run(
      process.execPath,
      ['relay/main.ts', 'audit', 'verify', '--dir', company().auditDir],
      { cwd: root },
    );
    assert.equal((JSON.parse(stdout) as { ok: boolean }).ok, true);
  });

  test('a person who lacks the scope gets 403 scope, recorded on both sides', async () => {
    const answer = await fetch(`${carol.url}/billing/invoices`);
    assert.equal(answer.status, 403);
    assert.match(
      answer.headers.get('www-authenticate') ?? '',
      /error="insufficient_scope", scope="billing\.read"/,
    );
    const problem = (await answer.json()) as Record<string, unknown>;
    assert.equal(problem['code'], 'scope');
    assert.equal(problem['requestId'], answer.headers.get('x-request-id'));
    const records = (await settledRecords(company().auditDir)).filter(
      ({ requestId }) => requestId === problem['requestId'],
    );
    assert.deepEqual(
      records.map(({ kind, decision, code }) => [kind, decision, code]),
      [
        ['request', 'deny', 'scope'],
        ['outcome', 'deny', 'scope'],
      ],
    );
  });

  test('roles, deny rules and unknown APIs are told apart', async () => {
    const code = async (agent: AgentProcess, method: string, path: string): Promise<unknown> => {
      const answer = await fetch(agent.url + path, { method });
      return ((await answer.json()) as { code?: string }).code ?? answer.status;
    };
    assert.equal(await code(alice, 'POST', '/billing/echo'), 200);
    assert.equal(await code(carol, 'POST', '/billing/echo'), 'scope');
    assert.equal(await code(alice, 'DELETE', '/billing/invoices/INV-1002'), 'denied');
    assert.equal(await code(alice, 'PATCH', '/billing/invoices'), 'no_rule');
    assert.equal(await code(alice, 'GET', '/nowhere'), 'unknown_api');
  });

  test('the API learns who calls, and nothing that a tool made up', async () => {
    const answer = await fetch(`${alice.url}/billing/echo`, {
      headers: {
        authorization: 'Basic dG9vbDpvd24=',
        'x-user-email': 'boss@example.com',
        'x-latchkey-user': 'boss',
      },
    });
    const seen = JSON.stringify(await answer.json());
    assert.match(seen, /alice@/i);
    assert.doesNotMatch(seen, /boss/);
    assert.doesNotMatch(
      seen,
      /dG9vbDpvd24=|Bearer /,
      "neither the tool's credential nor the token",
    );
  });

  test('an old API gets its technical account, never the token', async () => {
    const answer = await fetch(`${carol.url}/payroll/payslips`);
    assert.equal(answer.status, 200);
  });

  test('events stream as they happen and WebSockets work both ways', async () => {
    const stop = new AbortController();
    const feed = await fetch(`${alice.url}/billing/feed`, { signal: stop.signal });
    const reader = (feed.body as ReadableStream<Uint8Array>).getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /data:/);
    stop.abort();

    const socket = new WebSocket(`${alice.url.replace('http', 'ws')}/billing/live`);
    const echoed = new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send('over both proxies'));
      socket.on('message', (data: Buffer) => {
        if (data.toString().includes('over both proxies')) resolve(data.toString());
      });
      setTimeout(() => reject(new Error('no echo')), 60_000).unref();
    });
    assert.match(await echoed, /over both proxies/);
    socket.close();
    const denied = new WebSocket(`${carol.url.replace('http', 'ws')}/billing/live`);
    const status = await new Promise<number | undefined>((resolve) => {
      denied.on('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      denied.on('error', () => resolve(undefined));
    });
    assert.equal(status, 403);
  });

  test('an ambiguous path is refused on the local side already', async () => {
    const answer = await sendRaw(
      alice.url,
      `GET /billing/%2e%2e/payroll HTTP/1.1\r\nHost: ${new URL(alice.url).host}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /"code":"ambiguous_target"/);
  });

  test('the status for tools holds no secret', async () => {
    const status = (await (await fetch(`${alice.url}/.latchkey/status`)).json()) as Record<
      string,
      unknown
    >;
    assert.equal(status['status'], 'ready');
    assert.equal(status['relay'], company().relayUrl);
    assert.doesNotMatch(JSON.stringify(status), /eyJ|refresh|token/i);
    const page = await (await fetch(alice.url)).text();
    assert.match(page, /Signed in as Alice/);
  });

  test('no token is in any log or audit', async () => {
    const everything = [
      company().logs().join('\n'),
      JSON.stringify(alice.events),
      JSON.stringify(await settledRecords(company().auditDir)),
      JSON.stringify(await settledRecords(join(alice.dataDir, 'audit'))),
    ].join('\n');
    assert.doesNotMatch(everything, /eyJ[A-Za-z0-9_-]{10,}\./);
  });

  test('the agent ends with 0 on SIGTERM', async () => {
    assert.equal(await carol.stop(), 0);
  });
});
