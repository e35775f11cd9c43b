import type { Check, CheckContext, Diagnosis } from './check.ts';
import type { ResolveSystem } from '../agent/network/proxy-choice.ts';
import { createNetwork } from '../agent/network/network.ts';
import { appCheck } from './app.ts';
import { auditCheck } from './audit.ts';
import { runChecks } from './check.ts';
import { clockCheck } from './clock.ts';
import { dataDirectoryCheck } from './data-directory.ts';
import { diskSpaceCheck } from './disk-space.ts';
import { ipv6LoopbackCheck } from './ipv6-loopback.ts';
import { localPortCheck } from './local-port.ts';
import { providerCheck } from './provider.ts';
import { proxyVariablesCheck } from './proxy-variables.ts';
import { relayAddressCheck } from './relay-address.ts';
import { relayDnsCheck } from './relay-dns.ts';
import { relayMetadataCheck } from './relay-metadata.ts';
import { relayTlsCheck } from './relay-tls.ts';
import { sessionCheck } from './session.ts';
import { settingsCheck } from './settings.ts';
import { tokenCheck } from './token.ts';
import { toolKeysCheck } from './tool-keys.ts';

/** From this computer outwards: each check stands on those before it. */
const checks: readonly Check[] = [
  settingsCheck,
  dataDirectoryCheck,
  diskSpaceCheck,
  toolKeysCheck,
  auditCheck,
  appCheck,
  localPortCheck,
  ipv6LoopbackCheck,
  proxyVariablesCheck,
  relayAddressCheck,
  relayDnsCheck,
  relayTlsCheck,
  relayMetadataCheck,
  providerCheck,
  clockCheck,
  sessionCheck,
  tokenCheck,
];

/**
 * Looks at everything that Latchkey stands on; nothing is changed.
 *
 * @param surroundings data directory, environment, settings, version, clock
 * @param resolveSystem the system's proxies for a URL, where something can tell them
 * @returns the findings
 */
export function diagnose(
  surroundings: Omit<CheckContext, 'facts' | 'signal' | 'network'>,
  resolveSystem?: ResolveSystem,
): Promise<Diagnosis> {
  const { settings, env, now } = surroundings;
  const network = createNetwork({
    proxy: settings.get('network.proxy'),
    caFile: settings.get('network.caFile'),
    ownPort: () => settings.get('port'),
    resolveSystem,
    env,
    now,
  });
  return runChecks(checks, { ...surroundings, network });
}
