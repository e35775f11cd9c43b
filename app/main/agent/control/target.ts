import type { AuditPage, AuditQuery } from '../../../../audit/query.ts';
import type { ToolKeysPort } from '../proxy/tool-key.ts';
import type { EffectiveSetting } from '../settings/settings.ts';
import type { AgentSnapshot, ApiInfo } from '../status.ts';

/** The settings as they hold now, and what is wrong in their files. */
export interface PolicyReport {
  readonly settings: readonly EffectiveSetting[];
  readonly faults: readonly string[];
}

/** What the command line may ask of the running agent. */
export interface ControlTarget {
  snapshot(): AgentSnapshot;
  onChange(listener: (snapshot: AgentSnapshot) => void): () => void;
  signIn(): Promise<AgentSnapshot>;
  signOut(): Promise<void>;
  refreshApis(): Promise<readonly ApiInfo[]>;
  activity(query: AuditQuery): AuditPage;
  /** The named keys of tools. */
  readonly keys: ToolKeysPort;
  policy(): PolicyReport;
}
