import type { Verification } from '../../audit/verify.ts';
import type { VerificationView } from './data.ts';

/** Checks the chain on demand, in the background. */
export interface Verifying {
  view(): VerificationView;
  /** When it may be asked for again, epoch ms. */
  fromMs(): number;
  /** @returns false when it is too early, or under way */
  start(): boolean;
}

/** It reads the whole audit. */
const REST_MS = 60_000;

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * Makes what checks the chain.
 *
 * @param verify reads and checks all of it
 * @param now the clock, epoch ms
 * @returns what starts it, and tells how it went
 */
export function createVerifying(verify: () => Promise<Verification>, now: () => number): Verifying {
  let view: VerificationView = { kind: 'never' };
  let nextMs = 0;

  async function run(startedAt: string): Promise<void> {
    try {
      const result = await verify();
      view = { kind: 'done', startedAt, endedAt: iso(now()), result };
    } catch (error) {
      view = { kind: 'failed', endedAt: iso(now()), problem: (error as Error).message };
    }
    nextMs = now() + REST_MS;
  }

  return {
    view: () => view,
    fromMs: () => nextMs,
    start() {
      if (view.kind === 'running' || now() < nextMs) return false;
      const startedAt = iso(now());
      view = { kind: 'running', startedAt };
      void run(startedAt);
      return true;
    },
  };
}
