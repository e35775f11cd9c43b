import { socketAddress } from './control/address.ts';
import { createToolKeyCheck } from './proxy/key-check.ts';
import { createPeerCheck } from './proxy/peer-door.ts';
import { createPeers } from './proxy/peer.ts';
import type { ProxyDeps } from './proxy/proxy-deps.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import type { Settings } from './settings/settings.ts';

/** Where tools find the port as a socket. */
const TOOL_SOCKET = { file: 'latchkey.sock', pipe: 'latchkey-data' } as const;

/**
 * Reads the APIs' own ports.
 *
 * @param settings `apis.<name>.port`
 * @returns port by API
 */
function apiPorts(settings: Settings): ReadonlyMap<string, number> {
  return new Map(Object.entries(settings.get('apis')).map(([name, { port }]) => [name, port]));
}

/**
 * Reads from the settings what leads to the port, and who may use it.
 *
 * @param settings `apis`, `guard.*`
 * @param dataDir absolute path
 * @param keys the named keys of tools
 * @returns doors, and the guards at them
 */
export function doors(
  settings: Settings,
  dataDir: string,
  keys: ToolKeys,
): Pick<ProxyDeps, 'allowedOrigins' | 'apiPorts' | 'peers' | 'socketPath' | 'toolKeys'> {
  const otherUsers = settings.get('guard.otherUsers');
  return {
    apiPorts: apiPorts(settings),
    socketPath: socketAddress(dataDir, TOOL_SOCKET),
    allowedOrigins: settings.get('guard.allowedOrigins'),
    toolKeys: createToolKeyCheck(keys, settings.get('guard.requireToolKeys')),
    peers: createPeerCheck(createPeers(), { otherUsers, platform: process.platform }),
  };
}
