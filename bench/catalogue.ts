import type { StartPeer } from './peer.ts';
import { apache } from './programs/apache.ts';
import { app } from './programs/app.ts';
import { haproxy, haproxyPlain } from './programs/haproxy.ts';
import { latchkey, latchkeyUnaudited } from './programs/latchkey.ts';
import { nginxAuthRequest, nginxPlain } from './programs/nginx.ts';
import { bare, express, fastify, fastifyCached, forwarder } from './programs/node-peers.ts';

/** What a peer needs on the machine. */
export type Need = 'haproxy' | 'nginx' | 'apache' | 'npm peers';

interface Entry {
  /** One or more: `latchkey` is measured with and without a required audit. */
  readonly start: readonly StartPeer[];
  readonly needs?: Need;
}

/** The upstream itself: the ceiling of generator and upstream. */
const direct: StartPeer = (_opened, { upstream }) =>
  Promise.resolve({
    name: 'direct',
    url: new URL(upstream),
    pid: 0,
    isJit: false,
    refuses: 'nothing',
  });

/** The peers by the names that `--peers` takes; `haproxy` is the reference. */
export const catalogue = {
  haproxy: { start: [haproxy], needs: 'haproxy' },
  latchkey: { start: [latchkey, latchkeyUnaudited] },
  direct: { start: [direct] },
  'haproxy-plain': { start: [haproxyPlain], needs: 'haproxy' },
  nginx: { start: [nginxPlain], needs: 'nginx' },
  'nginx-auth': { start: [nginxAuthRequest], needs: 'npm peers' },
  apache: { start: [apache], needs: 'apache' },
  fastify: { start: [fastify], needs: 'npm peers' },
  'fastify-cache': { start: [fastifyCached], needs: 'npm peers' },
  express: { start: [express], needs: 'npm peers' },
  pipe: { start: [forwarder('pipe', 'node:http request+pipe, no check')] },
  httpxy: { start: [forwarder('httpxy', 'httpxy, no check')] },
  bare: { start: [bare] },
  wire: { start: [forwarder('wire', 'latchkey wire, no check')] },
  app: { start: [app] },
} as const satisfies Readonly<Record<string, Entry>>;

/** A name that `--peers` takes. */
export type PeerName = keyof typeof catalogue;

/** All of them, in the order in which they are measured. */
export const PEER_NAMES = Object.keys(catalogue) as readonly PeerName[];

/**
 * Finds what a peer needs.
 *
 * @param name its name
 * @returns the need; undefined for what comes with the clone
 */
export function needOf(name: PeerName): Need | undefined {
  const entry: Entry = catalogue[name];
  return entry.needs;
}
