import type { AgentSnapshot, AgentStatus, ApiInfo, ProfileSnapshot } from '../agent/status.ts';

/** What a click in the tray's menu asks for. */
export type TrayAction =
  | { readonly kind: 'open' }
  | { readonly kind: 'quit' }
  | ({ readonly kind: 'sign-in' } & OfProfile)
  | ({ readonly kind: 'cancel-sign-in' } & OfProfile)
  | ({ readonly kind: 'sign-out' } & OfProfile)
  | { readonly kind: 'retry' }
  | ({ readonly kind: 'copy'; readonly api: string; readonly what: 'url' | 'curl' } & OfProfile);

interface OfProfile {
  /** Set while several are set up. */
  readonly profile?: string;
}

/** One line of the menu, as data. */
export type TrayEntry =
  | { readonly kind: 'separator' }
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'item'; readonly label: string; readonly action: TrayAction }
  | { readonly kind: 'submenu'; readonly label: string; readonly entries: readonly TrayEntry[] };

const longest = 60;

const statusTexts: Readonly<Record<AgentStatus, string>> = {
  'signed-out': 'Signed out',
  'signing-in': 'Signing in: finish in your browser',
  ready: 'Ready',
  offline: 'Offline: trying again',
  expired: 'Session expired: sign in again',
};

/** What one relay's part of the menu is made from. */
type Part = Omit<ProfileSnapshot, 'name' | 'title'> & OfProfile;

/** From the best to the worst. */
const byNeed: readonly AgentStatus[] = ['ready', 'signing-in', 'offline', 'signed-out', 'expired'];

/**
 * The state that the icon shows: with several profiles that of the one that needs a person most.
 *
 * @param snapshot the agent's state
 * @returns one state
 */
export function worstStatus(snapshot: AgentSnapshot): AgentStatus {
  const states = (snapshot.profiles ?? [snapshot]).map(({ status }) => byNeed.indexOf(status));
  return byNeed[Math.max(...states)] ?? snapshot.status;
}

/**
 * The state in a few words, for the menu's first line.
 *
 * @param snapshot the agent's state, or a profile's
 * @returns one line, with the person's name when there is one
 */
function statusLine(snapshot: Part): string {
  const person = snapshot.user?.name ?? snapshot.user?.email;
  const text = statusTexts[snapshot.status];
  return shorten(snapshot.status === 'ready' && person ? `${text}: ${person}` : text);
}

/**
 * What the tray icon says when pointed at.
 *
 * @param snapshot the agent's state
 * @returns at most two lines; with several profiles one for each
 */
export function trayTooltip(snapshot: AgentSnapshot): string {
  if (snapshot.profiles !== undefined) {
    const lines = snapshot.profiles.map((each) => shorten(`${each.title}: ${statusLine(each)}`));
    return ['Latchkey', ...lines].join('\n');
  }
  const first = `Latchkey: ${statusLine(snapshot)}`;
  return snapshot.fault === undefined ? first : `${first}\n${shorten(snapshot.fault.message)}`;
}

/**
 * The tray's menu for a state.
 *
 * @param snapshot the agent's state
 * @returns its lines, top to bottom
 */
export function trayMenu(snapshot: AgentSnapshot): readonly TrayEntry[] {
  return [
    ...(snapshot.profiles?.map(profileEntry) ?? partEntries(snapshot)),
    separator,
    item('Open Latchkey', { kind: 'open' }),
    item('Quit', { kind: 'quit' }),
  ];
}

const separator: TrayEntry = { kind: 'separator' };

function profileEntry(profile: ProfileSnapshot): TrayEntry {
  const { name, title, ...part } = profile;
  return {
    kind: 'submenu',
    label: shorten(`${title}: ${statusTexts[profile.status]}`),
    entries: partEntries({ ...part, profile: name }),
  };
}

function partEntries(part: Part): readonly TrayEntry[] {
  const apis = part.apis.map((api) => apiEntry(api, part));
  return [
    { kind: 'text', label: statusLine(part) },
    ...faultEntries(part),
    separator,
    ...sessionEntries(part),
    ...(apis.length === 0 ? [] : [separator, ...apis]),
  ];
}

function ofProfile({ profile }: Part): OfProfile {
  return profile === undefined ? {} : { profile };
}

function faultEntries(snapshot: Part): readonly TrayEntry[] {
  if (snapshot.fault === undefined) return [];
  const text: TrayEntry = { kind: 'text', label: shorten(snapshot.fault.message) };
  return snapshot.localUrl === undefined ? [text, item('Try again', { kind: 'retry' })] : [text];
}

function sessionEntries(snapshot: Part): readonly TrayEntry[] {
  if (snapshot.relay === undefined) {
    return [item('Set the relay’s address…', { kind: 'open' })];
  }
  const of = ofProfile(snapshot);
  const signIn = item('Sign in', { kind: 'sign-in', ...of });
  const signOut = item('Sign out', { kind: 'sign-out', ...of });
  const entries: Readonly<Record<AgentStatus, readonly TrayEntry[]>> = {
    'signed-out': [signIn],
    'signing-in': [item('Cancel sign-in', { kind: 'cancel-sign-in', ...of })],
    ready: [signOut],
    offline: [signOut],
    expired: [signIn, signOut],
  };
  return entries[snapshot.status];
}

function apiEntry(api: ApiInfo, part: Part): TrayEntry {
  const of = ofProfile(part);
  return {
    kind: 'submenu',
    label: shorten(api.title),
    entries: [
      { kind: 'text', label: shorten(api.localUrl) },
      item('Copy URL', { kind: 'copy', api: api.name, what: 'url', ...of }),
      item('Copy as curl', { kind: 'copy', api: api.name, what: 'curl', ...of }),
    ],
  };
}

const item = (label: string, action: TrayAction): TrayEntry => ({ kind: 'item', label, action });

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
