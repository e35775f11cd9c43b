import type { AgentSnapshot, AgentStatus, ApiInfo } from '../agent/status.ts';

/** What a click in the tray's menu asks for. */
export type TrayAction =
  | { readonly kind: 'open' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'cancel-sign-in' }
  | { readonly kind: 'sign-out' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'copy'; readonly api: string; readonly what: 'url' | 'curl' };

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

/**
 * The state in a few words, for the menu's first line.
 *
 * @param snapshot the agent's state
 * @returns one line, with the person's name when there is one
 */
function statusLine(snapshot: AgentSnapshot): string {
  const person = snapshot.user?.name ?? snapshot.user?.email;
  const text = statusTexts[snapshot.status];
  return shorten(snapshot.status === 'ready' && person ? `${text}: ${person}` : text);
}

/**
 * What the tray icon says when pointed at.
 *
 * @param snapshot the agent's state
 * @returns at most two lines
 */
export function trayTooltip(snapshot: AgentSnapshot): string {
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
  const separator: TrayEntry = { kind: 'separator' };
  const apis = snapshot.apis.map(apiEntry);
  return [
    { kind: 'text', label: statusLine(snapshot) },
    ...faultEntries(snapshot),
    separator,
    ...sessionEntries(snapshot),
    ...(apis.length === 0 ? [] : [separator, ...apis]),
    separator,
    item('Open Latchkey', { kind: 'open' }),
    item('Quit', { kind: 'quit' }),
  ];
}

function faultEntries(snapshot: AgentSnapshot): readonly TrayEntry[] {
  if (snapshot.fault === undefined) return [];
  const text: TrayEntry = { kind: 'text', label: shorten(snapshot.fault.message) };
  return snapshot.localUrl === undefined ? [text, item('Try again', { kind: 'retry' })] : [text];
}

function sessionEntries(snapshot: AgentSnapshot): readonly TrayEntry[] {
  if (snapshot.relay === undefined) {
    return [item('Set the relay’s address…', { kind: 'open' })];
  }
  const signIn = item('Sign in', { kind: 'sign-in' });
  const signOut = item('Sign out', { kind: 'sign-out' });
  const entries: Readonly<Record<AgentStatus, readonly TrayEntry[]>> = {
    'signed-out': [signIn],
    'signing-in': [item('Cancel sign-in', { kind: 'cancel-sign-in' })],
    ready: [signOut],
    offline: [signOut],
    expired: [signIn, signOut],
  };
  return entries[snapshot.status];
}

function apiEntry(api: ApiInfo): TrayEntry {
  return {
    kind: 'submenu',
    label: shorten(api.title),
    entries: [
      { kind: 'text', label: shorten(api.localUrl) },
      item('Copy URL', { kind: 'copy', api: api.name, what: 'url' }),
      item('Copy as curl', { kind: 'copy', api: api.name, what: 'curl' }),
    ],
  };
}

const item = (label: string, action: TrayAction): TrayEntry => ({ kind: 'item', label, action });

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
