import { profileRelay } from './profile.ts';
import type { Scenario } from './options.ts';
import type { Result } from './result.ts';
import type { Run } from './run.ts';
import { apis } from './scenarios/apis.ts';
import { early, streams } from './scenarios/bulk.ts';
import { credentials } from './scenarios/credentials.ts';
import { createLatency } from './scenarios/latency.ts';
import { hop } from './scenarios/hop.ts';
import type { OwnScenario, SessionScenario } from './scenarios/scenario.ts';
import { createThroughput } from './scenarios/throughput.ts';
import { createTokens } from './scenarios/tokens.ts';
import { webSockets } from './scenarios/websockets.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from './session.ts';

const sessions: Partial<Record<Scenario, (run: Run) => SessionScenario>> = {
  throughput: createThroughput,
  latency: createLatency,
  tokens: createTokens,
};

const own: Partial<Record<Scenario, OwnScenario>> = {
  credentials,
  apis,
  stream: streams,
  early,
  websockets: webSockets,
  hop,
};

async function runSessions(run: Run, print: (result: Result) => void): Promise<void> {
  const chosen = run.options.scenarios.flatMap((name) => sessions[name]?.(run) ?? []);
  if (chosen.length === 0) return;
  const requestsFile = await usualRequests(run);
  const load = { requestsFile, connections: MANY_CONNECTIONS, seconds: 1 };
  if (run.reference !== undefined) await warm(run, run.reference, load);
  for (const start of run.starters) {
    await withPeer(run, start, {}, async (peer) => {
      run.progress(peer.name);
      await warm(run, peer, load);
      for (const scenario of chosen) await scenario.measure(peer);
    });
  }
  for (const scenario of chosen) print(scenario.result());
}

/**
 * Measures everything that was asked for.
 *
 * @param run the run
 * @param print receives each table when it is complete
 * @throws {Error} at the first wrong answer
 */
export async function runScenarios(run: Run, print: (result: Result) => void): Promise<void> {
  if (run.options.profile) for (const result of await profileRelay(run)) print(result);
  await runSessions(run, print);
  for (const name of run.options.scenarios) {
    const scenario = own[name];
    if (scenario === undefined) continue;
    run.progress(name);
    print(await scenario(run));
  }
}
