import type { Peer } from '../peer.ts';
import type { Result } from '../result.ts';
import type { Run } from '../run.ts';

/** Measures each peer while it runs anyway: started once, checked, warm. */
export interface SessionScenario {
  measure(peer: Peer): Promise<void>;
  result(): Result;
}

/** Starts what it needs itself. */
export type OwnScenario = (run: Run) => Promise<Result>;
