import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { allRecords, settledRecords } from '../audit/ledger-dir.ts';
import { useCompany } from '../support/company.ts';

/** Half of it must be enough for 100 requests, or the next refresh is due. */
const TOKEN_SECONDS = 20;

describe('when the access token ends', () => {
  const company = useCompany({ tokenSeconds: TOKEN_SECONDS });
  let agent: AgentProcess;

  before(async () => {
    agent = await startAgent(company().relayUrl);
    await agent.signIn('alice');
  });
  after(async () => agent?.close());

  const refreshes = async (): Promise<number> =>
    (await allRecords(join(agent.dataDir, 'audit'))).filter(({ kind }) => kind === 'refresh')
      .length;

  test('100 parallel requests at that moment cause one refresh and no failure', async () => {
    // A stopped process cannot refresh ahead of time: as after a laptop's sleep.
    agent.process.kill('SIGSTOP');
    await sleep((TOKEN_SECONDS + 1) * 1_000);
    const before = await refreshes();
    const answers = Array.from({ length: 100 }, () => fetch(`${agent.url}/billing/invoices`));
    await sleep(300);
    agent.process.kill('SIGCONT');
    const statuses = await Promise.all(
      answers.map(async (pending) => {
        const answer = await pending;
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal((await refreshes()) - before, 1);
  });

  test('streams whose token has ended are cut, and recorded so', async () => {
    const feed = await fetch(`${agent.url}/billing/feed`);
    const id = feed.headers.get('x-request-id');
    const socket = new WebSocket(`${agent.url.replace('http', 'ws')}/billing/live`);
    const closed = new Promise((resolve) => {
      socket.on('close', resolve);
      socket.on('error', resolve);
    });
    socket.on('open', () => socket.send('hello'));
    await assert.rejects(feed.text(), 'the feed does not end of itself');
    assert.equal(await closed, 1008, 'the WebSocket is told why');
    const outcome = (await settledRecords(company().auditDir)).find(
      ({ requestId, kind }) => requestId === id && kind === 'outcome',
    );
    assert.equal(outcome?.closedBy, 'expiry');
  });
});
