import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyLedger } from '../../audit/verify.ts';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { allRecords, settledRecords } from '../audit/ledger-dir.ts';
import { useCompany } from '../support/company.ts';
import { until } from '../support/until.ts';

/** The nightly run takes 50 of each side. */
const relayKills = Number(process.env['LATCHKEY_KILLS'] ?? 3);
const appKills = Number(process.env['LATCHKEY_KILLS'] ?? 1);

/** Requests without end from several clients; failures are expected while something is dead. */
function load(url: string): { answered(): number; stop(): Promise<void> } {
  const stopped = new AbortController();
  let answered = 0;
  const client = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const pending = fetch(url, { signal: AbortSignal.timeout(60_000) });
      await pending.then(
        async (answer) => {
          await answer.arrayBuffer();
          if (answer.ok) answered += 1;
        },
        () => sleep(20),
      );
    }
  };
  const clients = Array.from({ length: 8 }, client);
  return {
    answered: () => answered,
    async stop() {
      stopped.abort();
      await Promise.all(clients);
    },
  };
}

async function seenBy(billingUrl: string): Promise<readonly string[]> {
  const answer = await fetch(`${billingUrl}/__seen`);
  const seen = (await answer.json()) as { requestIds: string[] };
  return seen.requestIds;
}

describe('SIGKILL under load', () => {
  const company = useCompany({ tokenSeconds: 600 });
  let agent: AgentProcess;

  before(async () => {
    agent = await startAgent(company().relayUrl);
    await agent.signIn('alice');
  });
  after(async () => agent?.close());

  test('of the relay: each request that the upstream saw has its record; the chain verifies', async () => {
    for (let round = 0; round < relayKills; round++) {
      const traffic = load(`${agent.url}/billing/invoices`);
      await until('requests go through', () => traffic.answered() > 20);
      await sleep((round * 137) % 900);
      await company().restartRelay('SIGKILL');
      const before = traffic.answered();
      await until('they go through again', () => traffic.answered() > before + 20);
      await traffic.stop();
    }
    const records = await settledRecords(company().auditDir);
    // Who is not recognised yet, while keys are fetched anew, is refused with one record alone.
    const recorded = new Set(
      records
        .filter(({ kind, decision }) => kind === 'request' && decision === 'allow')
        .map(({ requestId }) => requestId),
    );
    const seen = await seenBy(company().billingUrl);
    assert.ok(seen.length > 50, `${seen.length} requests arrived`);
    assert.deepEqual(
      seen.filter((id) => !recorded.has(id)),
      [],
    );
    const ended = new Set(
      records
        .filter(({ kind }) => kind === 'outcome' || kind === 'interrupted')
        .map(({ requestId }) => requestId),
    );
    assert.deepEqual(
      [...recorded].filter((id) => !ended.has(id)),
      [],
      'none is left open',
    );
    const verified = await verifyLedger(company().auditDir);
    assert.deepEqual([verified.ok, verified.faults], [true, []]);
  });

  test('of the app: likewise its own ledger', async () => {
    for (let round = 0; round < appKills; round++) {
      const traffic = load(`${agent.url}/billing/invoices`);
      await sleep(300 + ((round * 211) % 700));
      await agent.stop('SIGKILL');
      await traffic.stop();
      agent = await startAgent(company().relayUrl, { dataDir: agent.dataDir });
      const auditDir = join(agent.dataDir, 'audit');
      const records = await allRecords(auditDir);
      const recorded = new Set(
        records.filter(({ kind }) => kind === 'request').map(({ requestId }) => requestId),
      );
      const relayed = (await allRecords(company().auditDir)).filter(
        ({ kind, path }) => kind === 'request' && path?.startsWith('/billing/'),
      );
      assert.deepEqual(
        relayed.filter(({ requestId }) => !recorded.has(requestId)),
        [],
      );
      const verified = await verifyLedger(auditDir);
      assert.deepEqual([verified.ok, verified.faults], [true, []]);
      if (round + 1 < appKills) await agent.signIn('alice');
    }
  });
});

describe('SIGTERM under load', () => {
  const company = useCompany({ tokenSeconds: 600 });
  let agent: AgentProcess;

  before(async () => {
    agent = await startAgent(company().relayUrl);
    await agent.signIn('alice');
  });
  after(async () => agent?.close());

  test('the relay lets what it began come to its end and exits with 0', async () => {
    const slow = fetch(`${agent.url}/billing/slow?ms=2000`);
    const seen = async () => (await seenBy(company().billingUrl)).length;
    await until('it is under way', seen);
    const ended = company().stopRelay('SIGTERM');
    assert.equal((await slow).status, 200);
    assert.equal((await ended).code, 0);
    const verified = await verifyLedger(company().auditDir);
    assert.equal(verified.ok, true);
    const kinds = (await allRecords(company().auditDir)).map(({ kind }) => kind);
    assert.equal(kinds.at(-1), 'stop');
  });

  test('while the relay is away the port says so, and recovers by itself', async () => {
    const away = await fetch(`${agent.url}/billing/invoices`);
    assert.equal(away.status, 502);
    assert.equal(((await away.json()) as { code: string }).code, 'relay_unreachable');
    await agent.next(({ event, status }) => event === 'status' && status === 'offline');
    await company().restartRelay();
    const back = await fetch(`${agent.url}/billing/invoices`);
    assert.equal(back.status, 200);
    await back.text();
  });
});
