import { FORMATS } from '../../audit/formats/names.ts';

/** One option of a command; the first two members are what `parseArgs` reads. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly about: string;
  /** What its value is called in help; `DIR` and `FILE` are completed as such. */
  readonly value?: string;
  /** The only values that there are. */
  readonly choices?: readonly string[];
}

/** One command, as help, parsing and completion know it. */
export interface CommandSpec {
  readonly about: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** The words that may follow its name. */
  readonly words?: readonly string[];
  /** What follows the options, for help. */
  readonly rest?: string;
}

const json = { type: 'boolean', about: 'write JSON' } as const;
const dataDir = { type: 'string', value: 'DIR', about: 'the data directory' } as const;
const common = { json, 'data-dir': dataDir } as const;
const profile = { type: 'string', value: 'NAME', about: 'only this profile' } as const;
const profiled = { ...common, profile } as const;
const api = { type: 'string', multiple: true, value: 'API', about: 'only this API' } as const;
const device = { type: 'boolean', about: 'sign in by a code on another device' } as const;
const readOnly = { type: 'boolean', about: 'GET, HEAD and OPTIONS only' } as const;
const proxy = { type: 'boolean', about: 'set http_proxy, too' } as const;

/** The shells for which lines can be written. */
export const lineShells = ['bash', 'zsh', 'fish', 'powershell', 'cmd'] as const;
/** The shells that can complete. */
export const completionShells = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** Every command with its options: help, parsing and completion come from here. */
export const specs = {
  agent: {
    about: 'run without a window',
    options: {
      ...profiled,
      relay: { type: 'string', value: 'URL', about: 'the relay to use' },
      port: { type: 'string', value: 'N', about: 'the local port' },
      'no-browser': { type: 'boolean', about: 'print sign-in addresses only' },
      device,
      'client-key': { type: 'string', value: 'FILE', about: 'a machine: its private key' },
      'client-id': { type: 'string', value: 'ID', about: 'a machine: its client id' },
      issuer: { type: 'string', value: 'URL', about: 'a machine: who knows its key' },
    },
  },
  login: { about: 'sign in with the browser', options: { ...profiled, device } },
  logout: { about: 'sign out and revoke the session', options: profiled },
  status: { about: 'who is signed in, and where', options: profiled },
  apis: { about: 'the APIs you may use, and their local addresses', options: profiled },
  keys: {
    about: 'keys of your tools: add NAME | list | revoke NAME',
    words: ['add', 'list', 'revoke'],
    options: {
      ...common,
      api,
      method: { type: 'string', multiple: true, value: 'METHOD', about: 'only this method' },
      'read-only': readOnly,
      expires: { type: 'string', value: 'TIME', about: 'end after 30d, 12h or 90m' },
    },
  },
  env: {
    about: 'lines that tell a shell the local addresses',
    options: {
      ...profiled,
      shell: { type: 'string', value: 'SHELL', choices: lineShells, about: 'for this shell' },
      proxy,
    },
  },
  run: {
    about: 'run a command with a key of its own',
    options: { ...profiled, api, 'read-only': readOnly, proxy },
    rest: '-- CMD ARGS…',
  },
  policy: { about: 'each setting that holds, and who set it', options: common },
  doctor: { about: 'find out what does not work, and why', options: profiled },
  bundle: {
    about: 'diagnostics for support, without secrets',
    options: {
      ...common,
      output: { type: 'string', value: 'FILE', about: 'where to write' },
      yes: { type: 'boolean', about: 'write without asking' },
    },
  },
  audit: {
    about: 'verify | report | export: the local record of every request',
    words: ['verify', 'report', 'export'],
    options: {
      ...profiled,
      checkpoint: { type: 'string', value: 'FILE', about: 'a checkpoint kept elsewhere' },
      'public-key': { type: 'string', value: 'FILE', about: 'the key of the checkpoints' },
      format: { type: 'string', value: 'FORMAT', choices: FORMATS, about: 'how to write' },
      since: { type: 'string', value: 'TIME', about: 'from this time on' },
      until: { type: 'string', value: 'TIME', about: 'before this time' },
      user: { type: 'string', value: 'USER', about: 'of this person' },
      api: { type: 'string', value: 'API', about: 'of this API' },
      timezone: { type: 'string', value: 'ZONE', about: 'whose hours, such as Europe/Berlin' },
    },
  },
  completion: {
    about: 'a completion script for your shell',
    words: completionShells,
    options: {},
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

/** The name of one command. */
export type CommandName = keyof typeof specs;
