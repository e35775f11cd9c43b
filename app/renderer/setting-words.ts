import { outsideText } from '../../ui/outside-text.ts';
import type { ManagedByView, SettingView } from '../main/ipc/setting-views.ts';

interface Words {
  readonly title: string;
  readonly about: string;
}

/** What each setting is called and what it does; one that is missing here goes by its key. */
export const settingWords: Readonly<Record<string, Words>> = {
  relays: { title: 'Relays', about: 'Where your company’s relays are.' },
  'network.proxy': {
    title: 'Proxy',
    about: 'The way to the relay and the identity provider. Not set: as the system says.',
  },
  'network.caFile': {
    title: 'Extra authorities',
    about: 'A file with certificates of authorities that this system does not know.',
  },
  port: { title: 'Local port', about: 'Where your tools reach Latchkey.' },
  apis: {
    title: 'Ports of single APIs',
    about: 'For tools that can be told a host and port only.',
  },
  'guard.requireToolKeys': {
    title: 'Tools must show a key',
    about: 'Requests without a tool key are refused.',
  },
  'guard.allowedOrigins': {
    title: 'Web pages that may call',
    about: 'Origins of pages whose scripts may use the local port. All others are refused.',
  },
  'guard.otherUsers': {
    title: 'Other users of this computer',
    about: 'Whether they may use the local port, with your access.',
  },
  'signIn.auto': {
    title: 'Sign in by itself',
    about: 'Opens the browser when a tool needs you to be signed in.',
  },
  'signIn.waitSeconds': {
    title: 'Patience with a sign-in',
    about: 'How many seconds a request waits for you to sign in.',
  },
  'tokens.store': {
    title: 'Where the session is kept',
    about: 'Sealed by the system, or in memory until Latchkey ends.',
  },
  'audit.retentionDays': { title: 'Activity is kept', about: 'In days.' },
  'audit.export': {
    title: 'Activity may be exported',
    about: 'With the command latchkey audit export.',
  },
  'log.level': { title: 'Detail of the log', about: 'How much Latchkey writes about itself.' },
  launchAtLogin: {
    title: 'Start at login',
    about: 'In the tray, without a window, when you log in to this computer.',
  },
  'updates.mode': { title: 'Updates', about: 'Whether new versions come by themselves.' },
  'updates.url': { title: 'Updates come from', about: 'Your company’s own server, if it has one.' },
  'managedBy.name': { title: 'Managed by', about: 'Who set this computer up.' },
  'managedBy.help': { title: 'Help', about: 'Where to ask.' },
};

/** Which settings stand together, in order. */
const groups: readonly (readonly [title: string, keys: readonly string[]])[] = [
  ['Connection', ['relays', 'network.proxy', 'network.caFile']],
  [
    'Local port',
    ['port', 'apis', 'guard.requireToolKeys', 'guard.allowedOrigins', 'guard.otherUsers'],
  ],
  ['Sign-in', ['signIn.auto', 'signIn.waitSeconds', 'tokens.store']],
  ['Records', ['audit.retentionDays', 'audit.export', 'log.level']],
];

/** Settings under one heading. */
export interface SettingGroup {
  readonly title: string;
  readonly settings: readonly SettingView[];
}

/**
 * Puts settings under headings; none is left out.
 *
 * @param settings in any order
 * @returns the groups that have some
 */
export function grouped(settings: readonly SettingView[]): readonly SettingGroup[] {
  const known = new Set(groups.flatMap(([, keys]) => keys));
  const all = groups.map(([title, keys]) => ({
    title,
    settings: keys.flatMap((key) => settings.filter((setting) => setting.key === key)),
  }));
  const rest = { title: 'Latchkey', settings: settings.filter(({ key }) => !known.has(key)) };
  return [...all, rest].filter((group) => group.settings.length > 0);
}

/**
 * Who decided a setting.
 *
 * @param setting the setting
 * @param manager who manages this computer, where policy says so
 * @returns a few words
 */
export function sourceWords({ source, locked }: SettingView, manager?: ManagedByView): string {
  const name = manager?.name === undefined ? undefined : outsideText(manager.name);
  switch (source) {
    case 'policy':
      return `Set by ${name ?? 'IT'}`;
    case 'user':
      return 'Set by you';
    case 'fallback':
      if (!locked) return 'Your value was bad: replaced';
      return `${name === undefined ? 'IT’s value' : `The value of ${name}`} was bad: replaced`;
    case 'default':
      return 'Default';
    default:
      return source satisfies never;
  }
}

/**
 * What saving leads to.
 *
 * @param settings all of them
 * @returns a sentence; `undefined` where nothing that can be changed here starts the local port again
 */
export function savingWords(settings: readonly SettingView[]): string | undefined {
  const changeable = settings.filter(({ edit }) => edit !== undefined);
  const [quiet, loud] = [false, true].map((restarts) =>
    changeable.filter(({ edit }) => edit?.restarts === restarts),
  );
  if (loud === undefined || loud.length === 0) return undefined;
  const but = (quiet ?? []).map(({ key }) => `“${settingWords[key]?.title ?? key}”`).join(', ');
  const whose = but === '' ? '' : `, but for ${but},`;
  return `Saving${whose} starts the local port again: what is under way ends.`;
}
