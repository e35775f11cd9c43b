import { compare } from '../alternate.ts';
import { usageOf } from '../machine.ts';
import { latchkey } from '../programs/latchkey.ts';
import { round2, type Row } from '../result.ts';
import { USUAL_APIS } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from '../session.ts';
import type { OwnScenario } from './scenario.ts';

/** What many APIs cost the relay. */
export const apis: OwnScenario = async (run) => {
  const rows: Row[] = [];
  const counts = [1, USUAL_APIS, run.options.manyApis];
  const usual = await usualRequests(run);
  const seconds = run.options.sliceSeconds;
  for (const count of counts) {
    const load = {
      requestsFile: await usualRequests(run, { apis: count }),
      connections: MANY_CONNECTIONS,
      seconds,
    };
    const startedMs = performance.now();
    await withPeer(run, latchkey, { apis: count }, async (peer) => {
      const startMs = performance.now() - startedMs;
      await warm(run, peer, load);
      const { rounds, repeats } = run.options;
      const referenceLoad = { ...load, requestsFile: usual };
      const compared = await compare(peer, load, {
        rounds,
        repeats,
        reference: run.reference,
        referenceLoad,
      });
      rows.push({
        name: `latchkey, ${count} APIs`,
        cells: [
          Math.round(compared.median.perSecond),
          round2(compared.ratio),
          Math.round(compared.median.cpuUs * 10) / 10,
          Math.round(usageOf(peer).rssMib),
          Math.round(startMs),
        ],
      });
    });
  }
  return {
    scenario: 'apis',
    title: `APIs in one relay: ${counts.join(', ')}`,
    notes: ['Up to 20 of the APIs are called. Start: until ready and checked.'],
    columns: ['req/s', 'ratio', 'CPU µs/req', 'RSS MiB', 'start ms'],
    rows,
  };
};
