import type { BenchOptions } from './options.ts';
import type { Opened } from './opened.ts';
import type { Peer, Setting, StartPeer } from './peer.ts';
import type { Authority } from './tokens.ts';

/** What every scenario works with. */
export interface Run {
  readonly options: BenchOptions;
  readonly opened: Opened;
  readonly authority: Authority;
  /** nginx with the short JSON. */
  readonly upstream: string;
  /** The running HAProxy with jwt_verify; absent where it cannot be had. */
  readonly reference: Peer | undefined;
  /** How the chosen peers that can be had are started, the reference left out. */
  readonly starters: readonly StartPeer[];
  /** Tells a person what comes next. */
  progress(text: string): void;
}

/** How many APIs a company has. */
export const USUAL_APIS = 20;
/** How many people are at work at once. */
export const USUAL_TOKENS = 1_000;

/**
 * Describes the usual relay.
 *
 * @param run the run
 * @param changes what differs
 * @returns what to start a peer with
 */
export function settingOf(run: Run, changes: Partial<Setting> = {}): Setting {
  const { authority, upstream } = run;
  return { upstream, authority, apis: USUAL_APIS, inspect: false, ...changes };
}
