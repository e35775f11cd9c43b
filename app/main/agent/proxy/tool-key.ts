import type { AgentError } from '../errors.ts';

/** What a tool key may be used for; what is left out is not limited. */
export interface ToolKeyScope {
  /** Names of the APIs that it opens: `billing`; with several relays `acme/billing` or `acme/*`. */
  readonly apis?: readonly string[];
  /** Methods in upper case. */
  readonly methods?: readonly string[];
  /** Nothing but GET, HEAD and OPTIONS, and no upgrade: what runs through a WebSocket may write. */
  readonly readOnly?: boolean;
}

/** What the owner of this computer asks for when making a key. */
export interface NewToolKey extends ToolKeyScope {
  readonly name: string;
  /** How long it lives, in ms; without end when left out. */
  readonly expiresInMs?: number;
}

/** A named key of a tool, as it may be shown: its secret is not in it. */
export interface ToolKey extends ToolKeyScope {
  readonly id: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
  /** RFC 3339. */
  readonly lastUsedAt?: string;
  /** As the tool named itself. */
  readonly lastTool?: string;
  /** Lent to one run: held in memory only. */
  readonly lent?: true;
}

/** A key and its secret, at the one moment when the secret is known. */
export interface MadeToolKey {
  readonly key: ToolKey;
  readonly secret: string;
}

/** A key that lives as long as the one who borrowed it. */
export interface LentToolKey extends MadeToolKey {
  /** Ends the key; calls after the first do nothing. */
  end(): void;
}

/** A call that shows keys. */
export interface KeyedCall {
  /** The API's name where it is known. */
  readonly api?: string | undefined;
  readonly method: string;
  /** Whether it asks for an upgrade (RFC 9110 §7.8). */
  readonly upgrade?: boolean;
  /** How the tool names itself, for the list of keys. */
  readonly tool?: string;
}

/** Whether a call may go on with the keys that it shows. */
export type KeyVerdict =
  | { readonly kind: 'ok'; readonly key: ToolKey }
  | {
      readonly kind: 'refused';
      readonly why: 'missing' | 'unknown' | 'expired' | 'api' | 'method' | 'two';
      /** What is wrong and what to do; never a secret. */
      readonly detail: string;
      /** The key that was shown, where it is one of ours. */
      readonly key?: ToolKey;
    };

/** The part of the keys that the command line reaches through the control socket. */
export interface ToolKeysPort {
  /** @throws {AgentError} `bad_usage`, `key_exists`, `bad_settings` */
  add(options: NewToolKey): MadeToolKey;
  /**
   * The living and the expired ones, oldest first.
   *
   * @throws {AgentError} `bad_settings` when the file of keys cannot be read
   */
  list(): readonly ToolKey[];
  /** @throws {AgentError} `unknown_key`; `bad_settings` when it ended but that cannot be written */
  revoke(idOrName: string): ToolKey;
  /** @throws {AgentError} `bad_usage` */
  lend(options: NewToolKey): LentToolKey;
}

/** The named keys of tools. */
export interface ToolKeys extends ToolKeysPort {
  /** Why the file of keys cannot be read; what it holds opens nothing then. */
  readonly fault: AgentError | undefined;
  /** Judges the keys that a call shows, in a time that tells nothing about them. */
  check(presented: readonly string[], call: KeyedCall): KeyVerdict;
  /** Writes down what is not written yet, and ends what was lent. */
  close(): Promise<void>;
}
