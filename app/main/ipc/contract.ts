import type { ActivityRecord } from '../../../ui/activity-record.ts';
import type { EditableKey, SettingInput, SettingsView } from './setting-views.ts';
import type {
  KeyCopyKind,
  MadeToolKeyView,
  NewToolKeyView,
  ToolKeysView,
} from './tool-key-views.ts';

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
  /** Where the API has a port of its own. */
  readonly ownUrl?: string;
  /** A command line to try, quoted for a POSIX shell. */
  readonly curl: string;
  readonly rules: readonly ApiRuleView[];
}

/** What the window may know of the agent's side towards one relay. */
interface SideView {
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
}

/** One relay's side of the agent, while several are set up. */
export interface ProfileView extends SideView {
  /** What calls name it by. */
  readonly name: string;
  readonly title: string;
}

/** All that the window may know of the agent; no secret in it. */
export interface SnapshotView extends SideView {
  readonly version: string;
  /** Only while several relays are set up; the members beside it are then the first one's. */
  readonly profiles?: readonly ProfileView[];
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

/** New records, and whose they are while several relays are set up. */
export interface ActivityNews {
  readonly records: readonly ActivityRecord[];
  readonly profile?: string;
}

/** What of an API goes to the clipboard. */
export type CopyKind = 'url' | 'curl';

/** What one check found. */
export interface FindingView {
  readonly name: string;
  readonly outcome: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  readonly todo?: string;
}

/** What all checks found, in the order in which they stand on each other. */
export interface DiagnosisView {
  readonly atMs: number;
  readonly findings: readonly FindingView[];
}

/** Every call that the window may make. Where one names no profile, it means the first. */
export interface Calls {
  getSnapshot: Call<[], SnapshotView>;
  signIn: Call<[profile?: string], SnapshotView>;
  cancelSignIn: Call<[profile?: string], null>;
  /** Opens the sign-in page of the running attempt once more. */
  openSignInPage: Call<[profile?: string], null>;
  /** Puts the sign-in page's address on the clipboard, for another browser. */
  copySignInPage: Call<[profile?: string], null>;
  signOut: Call<[profile?: string], null>;
  refreshApis: Call<[profile?: string], null>;
  activity: Call<[query: ActivityQuery, profile?: string], ActivityPage>;
  copyApi: Call<[name: string, what: CopyKind, profile?: string], null>;
  /** Copies a request id that the window shows. */
  copyRequestId: Call<[requestId: string], null>;
  /** Opens an API's documentation in the browser; the address is the relay's, not the window's. */
  openDocs: Call<[name: string, profile?: string], null>;
  setRelay: Call<[url: string], SnapshotView>;
  /** Starts the agent again after a fault at start. */
  retry: Call<[], SnapshotView>;
  toolKeys: Call<[], ToolKeysView>;
  addToolKey: Call<[key: NewToolKeyView], MadeToolKeyView>;
  /** Copies the secret that the window was just given, or a command line with it. */
  copyToolKey: Call<[id: string, secret: string, what: KeyCopyKind], null>;
  revokeToolKey: Call<[id: string], ToolKeysView>;
  settings: Call<[], SettingsView>;
  /** Saves one setting and puts it into effect. */
  saveSetting: Call<[key: EditableKey, value: SettingInput], SettingsView>;
  /** Opens where IT's policy says to ask; the address is the policy's, not the window's. */
  openHelp: Call<[], null>;
  /** Runs the checks of `latchkey doctor`, with `--profile` where one is named. */
  diagnose: Call<[profile?: string], DiagnosisView>;
  /** Copies what the profile's last {@link Calls.diagnose} found, as `latchkey doctor` prints it. */
  copyDiagnosis: Call<[profile?: string], null>;
}

/** The name of a call. */
export type CallName = keyof Calls;

/** What the main process does for some of the calls. */
export type CallsOf<K extends CallName> = {
  readonly [N in K]: (
    ...args: Calls[N]['args']
  ) => Promise<Calls[N]['result']> | Calls[N]['result'];
};

/** Everything that the main process tells the window unasked. */
export interface Events {
  snapshot: SnapshotView;
  activity: ActivityNews;
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
  'toolKeys',
  'addToolKey',
  'copyToolKey',
  'revokeToolKey',
  'settings',
  'saveSetting',
  'openHelp',
  'diagnose',
  'copyDiagnosis',
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
