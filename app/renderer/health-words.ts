import type { DiagnosisView, FindingView } from '../main/ipc/contract.ts';
import { counted, formatTime } from '../../ui/format.ts';
import { outsideText } from '../../ui/outside-text.ts';

const checkTitles: ReadonlyMap<string, string> = new Map([
  ['settings', 'Settings'],
  ['data-directory', 'Data directory'],
  ['disk-space', 'Disk space'],
  ['tool-keys', 'Tool keys'],
  ['audit', 'Activity records'],
  ['app', 'Latchkey itself'],
  ['local-port', 'Local port'],
  ['ipv6-loopback', 'IPv6 on this computer'],
  ['proxy-variables', 'Proxy variables'],
  ['relay-address', 'Relay’s address'],
  ['relay-dns', 'Relay’s name'],
  ['relay-tls', 'Relay’s certificate'],
  ['relay-metadata', 'Relay’s sign-in details'],
  ['provider', 'Identity provider'],
  ['clock', 'Clock'],
  ['session', 'Session'],
  ['token', 'Access token'],
]);

/**
 * What a check looks at.
 *
 * @param name the check's name
 * @returns a title; the name where this version has none
 */
export const checkTitle = (name: string): string => checkTitles.get(name) ?? name;

/**
 * Sums the findings up.
 *
 * @param findings of all checks
 * @returns such as `Everything is in order` or `1 problem, 2 warnings`
 */
export function summary(findings: readonly FindingView[]): string {
  const count = (outcome: FindingView['outcome']): number =>
    findings.filter((finding) => finding.outcome === outcome).length;
  const told = [
    [count('fail'), 'problem'],
    [count('warn'), 'warning'],
  ] as const;
  const wrong = told.filter(([many]) => many > 0);
  if (wrong.length > 0) return wrong.map(([many, noun]) => counted(many, noun)).join(', ');
  return count('ok') === 0 ? 'Nothing was checked' : 'Everything is in order';
}

/**
 * How far the checks are.
 *
 * @param value what they found last
 * @param isRunning whether they run now
 * @param profile whom they are about, where several relays are set up
 * @param now the day that goes without saying
 * @returns such as `Everything is in order · Acme · checked at 10:00:00`
 */
export function checkedWords(
  value: DiagnosisView | undefined,
  isRunning: boolean,
  profile: string | undefined,
  now: Date = new Date(),
): string {
  if (isRunning)
    return `Checking this computer and the way to ${outsideText(profile ?? 'the relay')} …`;
  if (value === undefined) return 'Not checked yet.';
  const at = formatTime(new Date(value.atMs).toISOString(), now);
  const whose = profile === undefined ? [] : [outsideText(profile)];
  return [summary(value.findings), ...whose, `checked at ${at}`].join(' · ');
}
