import { socketAddress } from './control/address.ts';
import { AgentError } from './errors.ts';
import type { ProfileSetup } from './profile-setups.ts';
import { createToolKeyCheck } from './proxy/key-check.ts';
import { createPeerCheck } from './proxy/peer-door.ts';
import { createPeers } from './proxy/peer.ts';
import type { ApiPort, ProxyDeps } from './proxy/proxy-deps.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import type { Settings } from './settings/settings.ts';

/** Where tools find the port as a socket. */
const TOOL_SOCKET = { file: 'latchkey.sock', pipe: 'latchkey-data' } as const;

/** With several profiles an API of which nobody says whose it is has no port of its own. */
function apiPorts(
  apis: Readonly<Record<string, { readonly port: number }>>,
  profiles: readonly string[],
): { readonly ports: readonly ApiPort[]; readonly faults: readonly AgentError[] } {
  const ports: ApiPort[] = [];
  const faults: AgentError[] = [];
  for (const [key, { port }] of Object.entries(apis)) {
    const [api = '', profile, ...more] = key.split('/').toReversed();
    const only = profiles.length === 1 ? profiles[0] : undefined;
    const owner = profile ?? only;
    if (owner !== undefined && more.length === 0 && profiles.includes(owner)) {
      ports.push({ api, port, profile: owner, setting: `apis.${key}.port` });
    } else faults.push(shutFault(key, port, profiles));
  }
  return { ports, faults };
}

function shutFault(key: string, port: number, profiles: readonly string[]): AgentError {
  const api = key.split('/').at(-1) ?? key;
  const right = profiles.map((profile) => JSON.stringify(`${profile}/${api}`)).join(' or ');
  return new AgentError(
    'bad_settings',
    `Port ${port} stays shut: ${JSON.stringify(key)} under \`apis\` in settings.json names no API of one profile. Write ${right}.`,
  );
}

/**
 * Reads from the settings what leads to the port, and who may use it.
 *
 * @param settings `apis`, `guard.*`
 * @param dataDir absolute path
 * @param keys the named keys of tools
 * @param setups the profiles
 * @returns doors, the guards at them, and why some stay shut
 */
export function doors(
  settings: Settings,
  dataDir: string,
  keys: ToolKeys,
  setups: readonly ProfileSetup[],
): Pick<
  ProxyDeps,
  'allowedOrigins' | 'apiPorts' | 'peers' | 'profilePorts' | 'socketPath' | 'toolKeys'
> & { readonly faults: readonly AgentError[] } {
  const otherUsers = settings.get('guard.otherUsers');
  const { ports, faults } = apiPorts(
    settings.get('apis'),
    setups.map(({ name }) => name),
  );
  return {
    faults,
    apiPorts: ports,
    profilePorts: new Map(
      setups.flatMap(({ name, port }) => (port === undefined ? [] : [[name, port]])),
    ),
    socketPath: socketAddress(dataDir, TOOL_SOCKET),
    allowedOrigins: settings.get('guard.allowedOrigins'),
    toolKeys: createToolKeyCheck(keys, settings.get('guard.requireToolKeys')),
    peers: createPeerCheck(createPeers(), { otherUsers, platform: process.platform }),
  };
}
