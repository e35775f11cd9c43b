/** Says of one call what goes in and what comes out. */
interface Call<Args extends readonly unknown[], Result> {
  readonly args: Args;
  readonly result: Result;
}

/** One rule of an API as the window shows it. */
export interface ApiRuleView {
  readonly name: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly allowed: boolean;
  readonly missing?: string;
}

/** One API as the window shows it. */
export interface ApiView {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly docs?: string;
  readonly localUrl: string;
  /** A command line to try, quoted for a POSIX shell. */
  readonly curl: string;
  readonly rules: readonly ApiRuleView[];
}

/** All that the window may know of the agent; no secret in it. */
export interface SnapshotView {
  readonly status: 'signed-out' | 'signing-in' | 'ready' | 'offline' | 'expired';
  readonly user?: { readonly subject: string; readonly name?: string; readonly email?: string };
  readonly relay?: string;
  readonly localUrl?: string;
  readonly apis: readonly ApiView[];
  /** Whether a sign-in page can be opened or copied by hand. The address itself stays in the main process. */
  readonly signInPage: boolean;
  readonly fault?: { readonly code: string; readonly message: string; readonly atMs: number };
  readonly store: 'sealed' | 'memory';
  readonly expiresAtMs?: number;
  readonly version: string;
}

/** One record of the local audit as the window shows it; without the chain's hashes. */
export interface ActivityRecord {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly requestId?: string;
  readonly api?: string;
  readonly rule?: string;
  readonly method?: string;
  readonly path?: string;
  readonly decision?: 'allow' | 'deny';
  readonly code?: string;
  readonly status?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly durationMs?: number;
  readonly closedBy?: string;
  readonly tool?: string;
  readonly count?: number;
  readonly detail?: string;
}

/** What the window may ask of the audit. */
export interface ActivityQuery {
  readonly api?: string;
  readonly decision?: 'allow' | 'deny';
  readonly requestId?: string;
  /** 1 to 500. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** One page of the audit, newest first. */
export interface ActivityPage {
  readonly records: readonly ActivityRecord[];
  readonly nextCursor?: string;
}

/** What of an API goes to the clipboard. */
export type CopyKind = 'url' | 'curl';

/** Every call that the window may make. */
export interface Calls {
  getSnapshot: Call<[], SnapshotView>;
  signIn: Call<[], SnapshotView>;
  cancelSignIn: Call<[], null>;
  /** Opens the sign-in page of the running attempt once more. */
  openSignInPage: Call<[], null>;
  /** Puts the sign-in page's address on the clipboard, for another browser. */
  copySignInPage: Call<[], null>;
  signOut: Call<[], null>;
  refreshApis: Call<[], null>;
  activity: Call<[query: ActivityQuery], ActivityPage>;
  copyApi: Call<[name: string, what: CopyKind], null>;
  /** Copies a request id that the window shows. */
  copyRequestId: Call<[requestId: string], null>;
  /** Opens an API's documentation in the browser; the address is the relay's, not the window's. */
  openDocs: Call<[name: string], null>;
  setRelay: Call<[url: string], SnapshotView>;
  /** Starts the agent again after a fault at start. */
  retry: Call<[], SnapshotView>;
}

/** The name of a call. */
export type CallName = keyof Calls;

/** Everything that the main process tells the window unasked. */
export interface Events {
  snapshot: SnapshotView;
  activity: readonly ActivityRecord[];
}

/** The name of an event. */
export type EventName = keyof Events;

/** The answer to a call: a value, or a refusal with its code and what to do. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The names of all calls, at run time. */
export const callNames = [
  'getSnapshot',
  'signIn',
  'cancelSignIn',
  'openSignInPage',
  'copySignInPage',
  'signOut',
  'refreshApis',
  'activity',
  'copyApi',
  'copyRequestId',
  'openDocs',
  'setRelay',
  'retry',
] as const satisfies readonly CallName[];

/** The names of all events, at run time. */
export const eventNames = ['snapshot', 'activity'] as const satisfies readonly EventName[];

/**
 * The channel of a call.
 *
 * @param name the call
 * @returns the name that both ends use
 */
export const callChannel = (name: CallName): string => `latchkey:call:${name}`;

/**
 * The channel of an event.
 *
 * @param name the event
 * @returns the name that both ends use
 */
export const eventChannel = (name: EventName): string => `latchkey:event:${name}`;

/** What the page finds as `window.latchkey`: one function a call, one subscription an event. */
export type LatchkeyBridge = {
  readonly [K in CallName]: (...args: Calls[K]['args']) => Promise<Reply<Calls[K]['result']>>;
} & {
  /** Calls the listener on each event; returns the unsubscriber. */
  readonly on: {
    readonly [K in EventName]: (listener: (value: Events[K]) => void) => () => void;
  };
};
