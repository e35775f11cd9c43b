import type { LatchkeyBridge, SnapshotView } from '../main/ipc/contract.ts';
import type { AgentState } from './use-agent.ts';

/** What every part of the page gets. */
export interface PartProps {
  readonly bridge: LatchkeyBridge;
  readonly agent: AgentState;
  /** The side of the profile that is shown. */
  readonly snapshot: SnapshotView;
  /** What calls name the profile by: nothing while there is only one. */
  readonly profile: readonly [] | readonly [name: string];
}
