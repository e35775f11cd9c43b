import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createToolKeyCheck } from './proxy/key-check.ts';
import { createPeerCheck } from './proxy/peer-door.ts';
import { createPeers } from './proxy/peer.ts';
import type { ProxyDeps } from './proxy/proxy-deps.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import type { Settings } from './settings/settings.ts';

// sun_path is 104 bytes on macOS, the terminating NUL included.
const LONGEST_PATH_BYTES = 103;

/**
 * Tells where tools find the port as a socket.
 *
 * @param dataDir absolute path
 * @param platform as `process.platform`
 * @returns a socket's path, or a pipe's name on Windows; undefined where the path is too long for one
 */
function socketAddress(
  dataDir: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (platform === 'win32') {
    const mark = createHash('sha256').update(dataDir.toLowerCase()).digest('hex').slice(0, 12);
    return `\\\\.\\pipe\\latchkey-data-${userInfo().username}-${mark}`;
  }
  const path = join(dataDir, 'latchkey.sock');
  return Buffer.byteLength(path) <= LONGEST_PATH_BYTES ? path : undefined;
}

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
    socketPath: socketAddress(dataDir),
    allowedOrigins: settings.get('guard.allowedOrigins'),
    toolKeys: createToolKeyCheck(keys, settings.get('guard.requireToolKeys')),
    peers: createPeerCheck(createPeers(), { otherUsers, platform: process.platform }),
  };
}
