import type { Profile } from '../agent-interface.ts';
import type { ToolKeysPort } from '../proxy/tool-key.ts';
import type { ManagedBy } from '../settings/managed-by.ts';
import type { EffectiveSetting } from '../settings/settings.ts';
import type { AgentSnapshot } from '../status.ts';

/** The settings as they hold now, and what is wrong in their files. */
export interface PolicyReport {
  readonly managedBy?: ManagedBy;
  readonly settings: readonly EffectiveSetting[];
  readonly faults: readonly string[];
}

/** What the command line may ask of the running agent. */
export interface ControlTarget {
  snapshot(): AgentSnapshot;
  onChange(listener: (snapshot: AgentSnapshot) => void): () => void;
  /** @throws {AgentError} `unknown_profile`; without a name the first one */
  profile(name?: string): Profile;
  profiles(): readonly Profile[];
  /** The named keys of tools. */
  readonly keys: ToolKeysPort;
  policy(): PolicyReport;
}
