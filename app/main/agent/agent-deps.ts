import type { Log } from './log.ts';
import type { MachineClient } from './login/machine.ts';
import type { Fetch } from './login/outbound.ts';
import type { ResolveSystem } from './network/proxy-choice.ts';
import type { DeviceCode } from './login/provider-device.ts';
import type { Vault } from './session/vault.ts';
import type { Settings } from './settings/settings.ts';
import type { Fault } from './status.ts';

/** How to sign in other than by a browser on this machine. */
export type SignInBy =
  /** A person enters a code elsewhere (RFC 8628). */
  | { readonly kind: 'device'; readonly onCode: (code: DeviceCode) => void }
  /** The machine has a key of its own (RFC 7523). */
  | { readonly kind: 'machine'; readonly client: MachineClient };

/** What `createAgent` works with. */
export interface AgentDeps {
  /** Absolute path; made private to this user when missing. */
  readonly dataDir: string;
  readonly settings: Settings;
  /** Gives the vault of a directory, where one profile keeps its session. */
  readonly vaultAt: (dir: string) => Vault;
  readonly openBrowser: (url: string) => Promise<void>;
  readonly signInBy?: SignInBy;
  /** Asks for attention, at most once for each time that signing in is needed. */
  readonly notify?: (fault: Fault) => void;
  readonly version: string;
  readonly log: Log;
  /** Instead of the settings' port; 0 for any free one. */
  readonly port?: number;
  /** Instead of the settings' relays. */
  readonly relay?: string;
  /** Only this one of the settings' relays, by its short name. */
  readonly profile?: string;
  readonly now?: () => number;
  readonly fetch?: Fetch;
  /** The system's proxies for a URL, where something can tell them. */
  readonly resolveSystem?: ResolveSystem;
  /** Where `HTTPS_PROXY` and its like are read; `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long a person may take in the browser, in ms (5 min). */
  readonly signInTimeoutMs?: number;
}
