import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compare, middle } from '../alternate.ts';
import { usageOf } from '../machine.ts';
import { createOpened, type Opened } from '../opened.ts';
import { apiPath, type Peer } from '../peer.ts';
import { startAppAndRelay } from '../programs/app.ts';
import { round2, type Result, type Row } from '../result.ts';
import { settingOf, USUAL_APIS, type Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests, warm } from '../session.ts';
import { writeRequests } from '../tokens.ts';
import { slice, type Load } from '../wrk.ts';
import type { OwnScenario } from './scenario.ts';

const CONNECTIONS = [1, 8] as const;
const IDLE_SECONDS = 10;

/** The same requests without a token: the app adds it. */
async function toolRequests(opened: Opened): Promise<string> {
  const file = join(await opened.folder(), 'tools.txt');
  const lines = Array.from({ length: USUAL_APIS }, (_, at) => ({
    path: `${apiPath(at)}/json`,
    headers: ['Accept-Encoding: identity'],
  }));
  await writeRequests(file, lines);
  return file;
}

async function withApp<T>(
  run: Run,
  isRelayReal: boolean,
  measure: (both: { readonly app: Peer; readonly relay: Peer }, file: string) => Promise<T>,
): Promise<T> {
  const opened = createOpened();
  run.opened.keep(() => opened.close());
  try {
    const both = await startAppAndRelay(opened, settingOf(run), isRelayReal);
    return await measure(both, await toolRequests(opened));
  } finally {
    await opened.close();
  }
}

/** CPU and memory of an app that nobody uses, before it was ever busy. */
async function idle(app: Peer): Promise<Row['cells']> {
  await sleep(2_000);
  const before = usageOf(app);
  await sleep(IDLE_SECONDS * 1000);
  const after = usageOf(app);
  const percent = (after.cpuMs - before.cpuMs) / (IDLE_SECONDS * 10);
  return [round2(percent), Math.round(after.rssMib)];
}

/** What the app's hop costs beside a request that goes to the relay by itself. */
export const hop: OwnScenario = async (run): Promise<Result> => {
  const { repeats, rounds, sliceSeconds } = run.options;
  const rows: Row[] = [];
  const bearer = await usualRequests(run);
  await withApp(run, true, async ({ app, relay }, file) => {
    const [percent, mib] = await idle(app);
    rows.push({ name: 'idle: CPU %, MiB', cells: [null, percent ?? null, mib ?? null, null] });
    const loadOf = (requestsFile: string, connections: number): Load => ({
      requestsFile,
      connections,
      seconds: sliceSeconds,
    });
    await warm(run, relay, loadOf(bearer, MANY_CONNECTIONS));
    await warm(run, app, loadOf(file, MANY_CONNECTIONS));
    for (const connections of CONNECTIONS) {
      const { median, beside } = await compare(app, loadOf(file, connections), {
        rounds,
        repeats,
        reference: relay,
        referenceLoad: loadOf(bearer, connections),
      });
      const direct = middle(beside);
      for (const figure of ['p50Us', 'p99Us'] as const)
        rows.push({
          name: `${connections} connections, ${figure.slice(0, 3)} µs`,
          cells: [
            Math.round(direct[figure]),
            Math.round(median[figure]),
            Math.round(median[figure] - direct[figure]),
            null,
          ],
        });
    }
  });
  await withApp(run, false, async ({ app }, requestsFile) => {
    const load = { requestsFile, connections: MANY_CONNECTIONS, seconds: sliceSeconds };
    await warm(run, app, load);
    const slices = [];
    for (let round = 0; round < rounds; round += 1) slices.push(await slice(app, load));
    const { perSecond, cpuUs, busy } = middle(slices);
    rows.push({
      name: 'the app alone, 64 connections: req/s, CPU µs, core %',
      cells: [null, Math.round(perSecond), Math.round(cpuUs), Math.round(busy * 100)],
    });
  });
  return {
    scenario: 'hop',
    title: 'The app’s hop: signed in, DPoP, its own audit',
    notes: [
      'direct: with a bearer token to the same relay, in turn with the app. In the last line an nginx answers in the',
      'relay’s place, so that the app’s core is the limit.',
    ],
    columns: ['direct', 'through the app', 'added', ''],
    rows,
  };
};
