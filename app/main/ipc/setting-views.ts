/** The settings that the window may change. */
export const editableKeys = [
  'port',
  'signIn.auto',
  'signIn.waitSeconds',
  'guard.requireToolKeys',
  'guard.allowedOrigins',
  'tokens.store',
  'network.proxy',
  'log.level',
  'launchAtLogin',
] as const;

/** The name of a setting that the window may change. */
export type EditableKey = (typeof editableKeys)[number];

/** How a setting is changed, and what is in it now. */
export type SettingForm =
  | { readonly kind: 'switch'; readonly value: boolean }
  | {
      readonly kind: 'number';
      readonly value: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: 'choice'; readonly value: string; readonly choices: readonly string[] }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'list'; readonly value: readonly string[] };

/** What the window may set a setting to; `null` takes the person's own value away. */
export type SettingInput = string | number | boolean | readonly string[] | null;

/** One setting as it holds. */
export interface SettingView {
  readonly key: string;
  /** The value in words, credentials hidden; one line each where it is a list, none when it is not set. */
  readonly lines: readonly string[];
  /** `fallback`: what the file says was bad, and a safe value holds instead. */
  readonly source: 'policy' | 'user' | 'default' | 'fallback';
  /** The file that set it. */
  readonly file?: string;
  /** Set by IT. */
  readonly locked: boolean;
  readonly hasEffect: boolean;
  /** Why what holds is not what was set, and what to do. */
  readonly note?: string;
  /** What it may be, and how it is changed; absent where the window cannot change it. */
  readonly edit?: {
    readonly key: EditableKey;
    readonly allowed: string;
    /** Whether saving it starts the local port again. */
    readonly restarts: boolean;
    readonly form: SettingForm;
  };
}

/** Who manages this computer, as IT's policy says. */
export interface ManagedByView {
  readonly name?: string;
  /** Where to ask. */
  readonly help?: string;
  /** Whether {@link Calls.openHelp} can open that. */
  readonly opens?: boolean;
}

/** Every setting, and what is wrong in the files. */
export interface SettingsView {
  readonly managedBy?: ManagedByView;
  readonly settings: readonly SettingView[];
  readonly faults: readonly string[];
  /** The person's own file. */
  readonly file: string;
}
