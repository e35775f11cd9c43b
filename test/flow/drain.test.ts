import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { seed, startHeardRelay, startProfiles } from '../support/profile-bench.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const outcomes = (records: readonly AuditRecord[]): readonly AuditRecord[] =>
  records.filter(({ kind }) => kind === 'outcome');

/** Of a ledger that was closed: each request has its outcome, and a stop ends it. */
function assertWhole(records: readonly AuditRecord[]): void {
  const of = (wanted: string) =>
    records.filter(({ kind }) => kind === wanted).map(({ requestId }) => requestId);
  assert.deepEqual(new Set(of('outcome')), new Set(of('request')));
  assert.equal(records.at(-1)?.kind, 'stop');
  assert.deepEqual(of('interrupted'), []);
}

describe('a signal lets requests end that run', () => {
  const company = useCompany();

  async function start(t: TestContext): Promise<AgentProcess> {
    const agent = await startAgent(company().relayUrl);
    t.after(() => agent.close());
    return agent;
  }
  const records = ({ dataDir }: AgentProcess): Promise<AuditRecord[]> =>
    allRecords(join(dataDir, 'audit'));
  const isUnderWay = (agent: AgentProcess, path: string): Promise<void> =>
    until(`${path} is admitted`, async () =>
      (await records(agent)).some((record) => record.kind === 'request' && record.path === path),
    );

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal}: the answer is whole, the outcome is recorded, and the exit code is 0`, async (t) => {
      const agent = await start(t);
      await agent.signIn('alice');
      const idle = await fetch(`${agent.url}/billing/invoices`);
      await idle.text();
      const answer = fetch(`${agent.url}/billing/slow?ms=2000`);
      await isUnderWay(agent, '/billing/slow');
      assert.equal(await agent.stop(signal), 0);
      assert.equal((await answer).status, 200);
      assertWhole(await records(agent));
      const last = outcomes(await records(agent)).at(-1);
      assert.deepEqual([last?.status, last?.closedBy], [200, 'relay']);
    });
  }

  test('a second signal cuts what still runs, a WebSocket with 1001, and records that', async (t) => {
    const agent = await start(t);
    await agent.signIn('alice');
    const socket = new WebSocket(`${agent.url.replace('http', 'ws')}/billing/live`);
    const closed = once(socket, 'close');
    const cut = fetch(`${agent.url}/billing/slow?ms=60000`).then(
      () => 'answered',
      () => 'cut',
    );
    await once(socket, 'open');
    await isUnderWay(agent, '/billing/slow');
    agent.process.kill('SIGTERM');
    await until('the port is shut', async () =>
      fetch(agent.url).then(
        () => false,
        () => true,
      ),
    );
    assert.equal(agent.process.exitCode, null, 'what runs keeps it');
    assert.equal(await agent.stop('SIGTERM'), 0);
    assert.equal(await cut, 'cut');
    assert.equal(((await closed) as [number])[0], 1001);
    assertWhole(await records(agent));
    const ends = outcomes(await records(agent)).map(({ status, closedBy }) => [status, closedBy]);
    assert.deepEqual(new Set(ends.map(String)), new Set(['101,drain', '503,drain']));
  });

  test('a request that waits for a person is told at once that nobody comes', async (t) => {
    const agent = await start(t);
    await agent.next(({ event }) => event === 'sign-in-url');
    const waiting = connect(Number(new URL(agent.url).port), '127.0.0.1');
    let answer = '';
    waiting.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    const closed = once(waiting, 'close');
    waiting.write(`GET /billing/x HTTP/1.1\r\nHost: ${new URL(agent.url).host}\r\n\r\n`);
    await once(waiting, 'connect');
    // What came first is read first.
    assert.equal(statusOf(await sendRaw(agent.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')), 403);
    assert.equal(await agent.stop(), 0);
    await closed;
    assert.deepEqual([statusOf(answer), codeOf(answer)], [401, 'signed_out']);
    assertWhole(await records(agent));
  });
});

/** A signed-in agent in this process. */
async function startHere(t: TestContext) {
  const relay = await startHeardRelay(t, 'acme');
  const vault = createMemoryVault();
  await seed(vault, relay.url, 'token');
  const settings = { relays: [{ name: 'Acme', url: relay.url }] };
  const bench = await startProfiles(t, settings, { vaultAt: () => vault });
  const ask = (): Promise<string> =>
    sendRaw(
      `http://${bench.authority}`,
      `GET /billing/x HTTP/1.1\r\nHost: ${bench.authority}\r\n\r\n`,
      { quietMs: 60_000 },
    );
  return { ...bench, relay, ask };
}

test('without time to spare what runs is cut: before its answer, and in the middle of it', async (t) => {
  const { agent, ask, dataDir, relay } = await startHere(t);
  const begun: ServerResponse[] = [];
  relay.answer((_request, response) => {
    begun.push(response);
    if (begun.length === 2) response.writeHead(200, { 'Content-Length': 10 }).write('begun');
  });
  const first = ask();
  await until('one is asked', () => begun.length === 1);
  const second = ask();
  await until('two are asked', () => begun.length === 2);
  await agent.close();
  assert.equal(await first, '');
  await second;
  const records = await allRecords(join(dataDir, 'audit'));
  assertWhole(records);
  assert.deepEqual(
    outcomes(records).map(({ closedBy }) => closedBy),
    ['drain', 'drain'],
  );
});

test('a request that waits for a confirmation gets the relay’s own answer', async (t) => {
  const { agent, ask, dataDir, notices, relay } = await startHere(t);
  relay.answer((_request, response) => {
    response.writeHead(401, {
      'X-Latchkey-Code': 'step_up',
      'WWW-Authenticate': 'Bearer error="insufficient_user_authentication", max_age="60"',
    });
    response.end('stronger, please');
  });
  const answer = ask();
  await until('the person is asked', () => notices.length > 0);
  await agent.close({ ms: 60_000 });
  assert.match(await answer, /^HTTP\/1\.1 401[^]*stronger, please/);
  assertWhole(await allRecords(join(dataDir, 'audit')));
});
