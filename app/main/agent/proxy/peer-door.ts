import type { Socket } from 'node:net';
import type { Entrance } from './entrance.ts';
import { checkPeer } from './peer-check.ts';
import type { Peer, Peers } from './peer.ts';
import type { PeerCheck } from './proxy-deps.ts';

/**
 * Makes the check of connections at the door.
 *
 * @param peers who is at the other end
 * @param config whether other users of this computer may use the port, and the platform
 * @returns the check; only a connection's first request waits for it
 */
export function createPeerCheck(
  peers: Peers,
  config: { readonly otherUsers: boolean; readonly platform: NodeJS.Platform },
): PeerCheck {
  const at = (socket: Socket, entrance: Entrance): Peer =>
    peers.of(socket, entrance.kind === 'socket' ? 'file' : 'tcp');
  return {
    accepted: (socket, entrance) => void at(socket, entrance),
    async check(socket, entrance) {
      const peer = at(socket, entrance);
      const known = peer.known();
      checkPeer(known ?? (await peer.verdict), config);
      if (known === undefined) await peer.ready;
      return peer;
    },
  };
}
