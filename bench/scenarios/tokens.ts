import { compare } from '../alternate.ts';
import { round2, type Row } from '../result.ts';
import { USUAL_TOKENS, type Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests, warm } from '../session.ts';
import type { SessionScenario } from './scenario.ts';

/** What many different tokens cost: one, the usual number, and so many that each is new. */
export function createTokens(run: Run): SessionScenario {
  const rows: Row[] = [];
  const counts = [1, USUAL_TOKENS, run.options.manyTokens];
  const files = new Map<number, Promise<string>>();
  const fileOf = (tokens: number): Promise<string> => {
    const file = files.get(tokens) ?? usualRequests(run, { tokens });
    files.set(tokens, file);
    return file;
  };
  return {
    async measure(peer) {
      if (peer.refuses === 'nothing') return;
      const cells: (string | number | null)[] = [];
      for (const tokens of counts) {
        const requestsFile = await fileOf(tokens);
        const seconds = run.options.sliceSeconds;
        const load = { requestsFile, connections: MANY_CONNECTIONS, seconds };
        const { rounds, repeats, warmSeconds } = run.options;
        if (peer.isJit) await warm(run, peer, { ...load, seconds: warmSeconds });
        const compared = await compare(peer, load, { rounds, repeats, reference: run.reference });
        cells.push(
          Math.round(compared.median.perSecond),
          round2(compared.ratio),
          Math.round(compared.median.cpuUs * 10) / 10,
        );
      }
      rows.push({ name: peer.name, cells });
    },
    result: () => ({
      scenario: 'tokens',
      title: `Different tokens: ${counts.join(', ')}`,
      notes: [
        'With the most tokens each comes back long after a cache has forgotten it: every one is new.',
      ],
      columns: counts.flatMap((count) => [`${count}: req/s`, 'ratio', 'CPU µs/req']),
      rows,
    }),
  };
}
