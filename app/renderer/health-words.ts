import type { FindingView } from '../main/ipc/contract.ts';

/** What each check looks at; one that is missing here goes by its name. */
export const checkTitles: Readonly<Record<string, string>> = {
  settings: 'Settings',
  'data-directory': 'Data directory',
  'disk-space': 'Disk space',
  audit: 'Activity records',
  app: 'Latchkey itself',
  'local-port': 'Local port',
  'ipv6-loopback': 'IPv6 on this computer',
  'proxy-variables': 'Proxy variables',
  'relay-address': 'Relay’s address',
  'relay-dns': 'Relay’s name',
  'relay-tls': 'Relay’s certificate',
  'relay-metadata': 'Relay’s sign-in details',
  provider: 'Identity provider',
  clock: 'Clock',
  session: 'Session',
};

/**
 * Sums the findings up.
 *
 * @param findings of all checks
 * @returns such as `Everything is in order` or `1 problem, 2 warnings`
 */
export function summary(findings: readonly FindingView[]): string {
  const count = (outcome: FindingView['outcome']): number =>
    findings.filter((finding) => finding.outcome === outcome).length;
  const parts = [counted(count('fail'), 'problem'), counted(count('warn'), 'warning')];
  const told = parts.filter((part) => part !== undefined);
  return told.length === 0 ? 'Everything is in order' : told.join(', ');
}

function counted(count: number, noun: string): string | undefined {
  if (count === 0) return undefined;
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
