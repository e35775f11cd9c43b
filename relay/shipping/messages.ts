import type { SinkConfig } from '../config/sink-config.ts';
import type { SinkState } from './telling.ts';

/** What the thread is begun with. */
export interface ThreadBeginning {
  /** The ledger's directory. */
  readonly dir: string;
  readonly version: string;
}

/** To the thread. */
export type ToThread =
  | { readonly kind: 'use'; readonly sinks: readonly SinkConfig[] }
  | { readonly kind: 'wake' }
  | { readonly kind: 'close' };

/** From the thread. */
export type FromThread =
  | { readonly kind: 'states'; readonly states: readonly SinkState[] }
  | { readonly kind: 'log'; readonly event: Record<string, unknown> }
  | { readonly kind: 'closed' };
