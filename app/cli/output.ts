import type { AnySnapshot } from '../main/agent/control/client.ts';
import type { AgentSnapshot, ApiInfo } from '../main/agent/status.ts';

/** Where a command writes; replaced in tests. */
export interface Output {
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const statusWords = {
  'signed-out': 'signed out',
  'signing-in': 'signing in …',
  ready: 'ready',
  offline: 'offline (trying again by itself)',
  expired: 'expired: sign in again',
} as const satisfies Record<AgentSnapshot['status'], string>;

/**
 * Lays out a snapshot for people.
 *
 * @param snapshot the agent's, or one profile's
 * @returns a few lines; with several profiles, a block for each
 */
export function statusText(snapshot: AnySnapshot): string {
  const profiles = 'profiles' in snapshot ? snapshot.profiles : undefined;
  return profiles === undefined
    ? blockText(snapshot)
    : profiles.map((profile) => blockText(profile)).join('\n');
}

function blockText(snapshot: AnySnapshot): string {
  const { user, fault } = snapshot;
  const person = user && [user.name ?? user.subject, user.email && `<${user.email}>`];
  const stored = snapshot.store === 'sealed' ? 'sealed by the system' : 'in memory only';
  const profile = 'name' in snapshot ? `${snapshot.title} (${snapshot.name})` : undefined;
  return rows([
    ['Profile', profile],
    ['Status', statusWords[snapshot.status]],
    ['Person', person?.filter(Boolean).join(' ')],
    ['Relay', snapshot.relay ?? 'not set'],
    ['Local', snapshot.localUrl],
    ['APIs', snapshot.apis.map((api) => api.name).join(', ') || undefined],
    ['Session', user && stored],
    ['Sign in', snapshot.signInUrl],
    ['Problem', fault?.message],
  ]);
}

/**
 * Lays out the catalogue for people.
 *
 * @param apis the APIs that the person may use
 * @returns one block for each
 */
export function apisText(apis: readonly ApiInfo[]): string {
  if (apis.length === 0) return 'No APIs: nothing is shared with you yet.\n';
  return apis
    .map((api) => {
      const head = [api.name, api.localUrl, api.ownUrl, api.description].filter(Boolean).join('  ');
      const rules = api.rules.map((rule) => {
        const mark = rule.allowed ? 'yes' : `no (${rule.missing ?? 'not allowed'})`;
        const methods = rule.methods.join(',') || 'any method';
        return `  ${rule.name}: ${methods} ${rule.paths.join(' ') || 'any path'}: ${mark}\n`;
      });
      return `${head}\n${rules.join('')}`;
    })
    .join('');
}

function rows(pairs: readonly (readonly [string, string | undefined])[]): string {
  return pairs
    .filter(([, value]) => value)
    .map(([name, value]) => `${`${name}:`.padEnd(10)}${value ?? ''}\n`)
    .join('');
}
