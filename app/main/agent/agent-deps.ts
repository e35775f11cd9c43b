import type { Log } from './log.ts';
import type { Fetch } from './login/outbound.ts';
import type { Proxy, ProxyDeps } from './proxy/proxy-deps.ts';
import type { Vault } from './session/vault.ts';
import type { Settings } from './settings/settings.ts';
import type { Fault } from './status.ts';

/** What `createAgent` works with. */
export interface AgentDeps {
  /** Absolute path; made private to this user when missing. */
  readonly dataDir: string;
  readonly settings: Settings;
  readonly vault: Vault;
  readonly openBrowser: (url: string) => Promise<void>;
  /** Asks for attention, at most once for each time that signing in is needed. */
  readonly notify?: (fault: Fault) => void;
  readonly version: string;
  readonly log: Log;
  /** Instead of the settings' port; 0 for any free one. */
  readonly port?: number;
  /** Instead of the settings' first relay. */
  readonly relay?: string;
  readonly now?: () => number;
  readonly fetch?: Fetch;
  /** How long a person may take in the browser, in ms (5 min). */
  readonly signInTimeoutMs?: number;
  readonly createProxy?: (deps: ProxyDeps) => Proxy;
}
