import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRecord } from '../../audit/record.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { seeded } from '../support/mutations.ts';
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

/** The nightly run takes 50. */
const kills = Number(process.env['LATCHKEY_KILLS'] ?? 3);
const seed = Number(process.env['LATCHKEY_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const clients = 64;
const ID = /X-Request-Id: (\S+)/gi;

/** Starts a relay again with the configuration of the one that was killed. */
async function startAgain(t: TestContext, relay: RelayProcess) {
  const child = spawn(process.execPath, ['relay/main.ts', '--config', relay.configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const listening = await new Promise<Record<string, unknown>>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line) as Record<string, unknown>;
      if (event['event'] === 'listening') resolve(event);
    });
    child.once('exit', (code) => reject(new Error(`the relay ended with ${code}`)));
  });
  const management = String(listening['management']);
  await until('ready again', async () => (await fetch(`${management}/readyz`)).ok);
  return { child, url: String(listening['url']) };
}

/** Requests without end; those that are under way when the relay is killed fail. */
function load(url: string, token: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const stopped = new AbortController();
  let answered = 0;
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = http.get(`${url}/x/drill`, { agent, headers }, (answer) => {
        if (answer.statusCode === 200) answered += 1;
        answer.resume();
        answer.on('close', resolve);
      });
      request.on('error', () => setTimeout(resolve, 20));
    });
  const client = async (): Promise<void> => {
    while (!stopped.signal.aborted) await once();
  };
  const running = Array.from({ length: clients }, client);
  return {
    answered: () => answered,
    async stop() {
      stopped.abort();
      await Promise.all(running);
      agent.destroy();
    },
  };
}

const idsOf = (
  records: readonly AuditRecord[],
  kinds: readonly string[],
): Set<string | undefined> =>
  new Set(
    records
      .filter(({ kind, decision }) => kinds.includes(kind) && decision !== 'deny')
      .map(({ requestId }) => requestId),
  );

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

test(`SIGKILL of the relay under load at ${kills} random moments`, async (t) => {
  t.diagnostic(`LATCHKEY_SEED=${seed}`);
  const choose = seeded(seed);
  const relay = await startRelayProcess(t);
  const rates: number[] = [];
  let running: { readonly child: ChildProcess; readonly url: string } = relay;

  for (let round = 1; round <= kills; round += 1) {
    const traffic = load(running.url, await relay.token());
    await until('requests are answered', () => traffic.answered() > clients);
    const [before, startedMs] = [traffic.answered(), performance.now()];
    await sleep(choose(1000));
    await killed(running.child);
    rates.push(((traffic.answered() - before) * 1000) / (performance.now() - startedMs));
    await traffic.stop();

    assert.deepEqual((await verifyLedger(relay.auditDir)).faults, [], `after kill ${round}`);
    const recorded = idsOf(await allRecords(relay.auditDir), ['request']);
    const seen = relay.upstream
      .received()
      .flatMap((bytes) => [...bytes.matchAll(ID)].map(([, id]) => id));
    const unrecorded = seen.filter((id) => !recorded.has(id));
    assert.deepEqual(unrecorded, [], `after kill ${round}, of ${seen.length}`);
    running = await startAgain(t, relay);
  }
  await killed(running.child);
  const records = await allRecords(relay.auditDir);
  const ended = idsOf(records, ['outcome', 'interrupted']);
  const open = [...idsOf(records, ['request'])].filter((id) => !ended.has(id));
  assert.deepEqual(open, [], 'what was under way is marked interrupted');
  const interrupted = idsOf(records, ['interrupted']).size;
  assert.ok(interrupted > 0);
  const upstream = relay.upstream.requests();
  const perSecond = rates.map(Math.round);
  t.diagnostic(
    JSON.stringify({ kills, upstream, records: records.length, interrupted, perSecond }),
  );
});
