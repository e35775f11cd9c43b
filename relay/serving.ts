import type { Ledger } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { ManagementDeps } from './admin/management.ts';
import type { RelayConfig } from './config/config.ts';
import type { Reloader, Stage } from './reload.ts';
import type { SharedState } from './state/shared-state.ts';
import type { KeyPair } from './tls.ts';

/** What there is once in a relay, however many processes serve. */
export interface Common {
  readonly config: RelayConfig;
  readonly keyPair: KeyPair | undefined;
  readonly ledger: Ledger;
  /** Counts what strangers tried, for all who serve. */
  readonly refusals: Pick<Refusals, 'record'>;
  readonly state: SharedState;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  readonly version: string;
}

/** What serves requests, in this process or in others. */
export interface Serving {
  readonly url: string;
  readonly stage: Stage;
  /** What the management listener shows of it. */
  readonly management: (reloader: Reloader, draining: () => boolean) => ManagementDeps;
  /** From now on each answer is its connection's last. */
  announce(): void;
  /** Takes no new connections; resolves when what is under way has ended, or was given its time. */
  drain(): Promise<void>;
  /** Puts a new process in place of each that serves; absent where this one does. */
  readonly replace?: () => Promise<void>;
}
