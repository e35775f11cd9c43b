import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNames } from '../../../relay/upstream/names.ts';
import type { UpstreamTarget } from '../../../relay/upstream/target.ts';
import { createTargets } from '../../../relay/upstream/targets.ts';
import { upstreamConfig } from './connected.ts';

const FAILURES = 2;
const OPEN_MS = 5_000;
const LAST_RESORT_MS = 1_000;

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), other: fc.boolean() }),
  fc.record({
    kind: fc.constant('end' as const),
    which: fc.nat(3),
    how: fc.constantFrom(
      'answered' as const,
      'left' as const,
      'failed' as const,
      'failed' as const,
    ),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 999, 1_000, 5_000) }),
);

/** What is known of one address, told apart from how the code keeps it. */
interface Known {
  failures: number;
  /** When its rest began, or before a failed trial began anew, epoch ms; 0 while it is well. */
  restsSinceMs: number;
  triedAtMs: number;
  underWay: number;
}

const mayRest = (known: Known, nowMs: number): boolean =>
  nowMs >= known.restsSinceMs + OPEN_MS || nowMs >= known.triedAtMs + LAST_RESORT_MS;

test('whatever happens, the well ones serve, the fewest exchanges first, and the others rest', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 120 }),
      (count, steps) => {
        let nowMs = 1_000_000;
        const urls = Array.from({ length: count }, (_, at) => `http://127.0.0.1:${at + 1}`);
        const balancing = {
          slowStartMs: 0,
          breakerFailures: FAILURES,
          breakerOpenMs: OPEN_MS,
          resolveMs: 30_000,
        };
        const targets = createTargets(upstreamConfig(urls, { balancing }), {
          now: () => nowMs,
          resolve: createNames(),
        });
        const model = new Map<string, Known>(
          urls.map((url) => [url, { failures: 0, restsSinceMs: 0, triedAtMs: 0, underWay: 0 }]),
        );
        const of = (url: string): Known => model.get(url) as Known;
        const held: UpstreamTarget[] = [];

        const take = (tried: readonly UpstreamTarget[]): void => {
          const taken = tried.length === 0 ? targets.take() : targets.takeOther(tried);
          const asked = urls.filter((url) => !tried.some((each) => each.url === url));
          const well = asked.filter((url) => of(url).restsSinceMs === 0);
          if (taken === undefined) {
            assert.deepEqual(well, [], 'one that is well would have served');
            return;
          }
          assert.ok(asked.includes(taken.url), 'never one that failed for this request');
          const known = of(taken.url);
          if (known.restsSinceMs === 0) {
            const least = Math.min(...well.map((url) => of(url).underWay));
            assert.equal(known.underWay, least, 'the fewest exchanges first');
          } else {
            assert.ok(mayRest(known, nowMs), 'its rest is over, or there is no other');
            if (well.length > 0) assert.ok(nowMs >= known.restsSinceMs + OPEN_MS);
            known.triedAtMs = nowMs;
          }
          known.underWay += 1;
          held.push(taken);
        };
        const end = (which: number, how: 'answered' | 'failed' | 'left'): void => {
          const [target] = held.splice(which % Math.max(1, held.length), 1);
          if (target === undefined) return;
          const known = of(target.url);
          known.underWay -= 1;
          if (how === 'answered') {
            targets.answered(target);
            Object.assign(known, { failures: 0, restsSinceMs: 0, triedAtMs: 0 });
          } else if (how === 'failed') {
            targets.failed(target, 'upstream_unreachable', true);
            known.failures += 1;
            if (known.restsSinceMs === 0 && known.failures >= FAILURES)
              Object.assign(known, { restsSinceMs: nowMs, triedAtMs: nowMs });
          }
          targets.release(target);
          const isUsed = targets.conditions().find((each) => each.upstream === target.url)?.isUsed;
          assert.equal(
            isUsed,
            known.failures < FAILURES,
            'it rests after failures in a row, no sooner',
          );
        };

        for (const each of steps) {
          if (each.kind === 'wait') nowMs += each.ms;
          else if (each.kind === 'end') end(each.which, each.how);
          else take(each.other ? held.slice(-1) : []);
        }
        assert.equal(
          [...model.values()].reduce((sum, { underWay }) => sum + underWay, 0),
          held.length,
        );
      },
    ),
    { numRuns: 5_000 },
  );
});
