import type { LatchkeyBridge, SnapshotView } from '../main/ipc/contract.ts';
import type { AgentState } from './use-agent.ts';

/** What every part of the page gets. */
export interface PartProps {
  readonly bridge: LatchkeyBridge;
  readonly agent: AgentState;
  readonly snapshot: SnapshotView;
}
