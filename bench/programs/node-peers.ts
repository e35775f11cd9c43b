import { freePorts } from '../../demo/child.ts';
import { NODE_OPTIONS } from '../../relay/prepare-process.ts';
import type { Opened } from '../opened.ts';
import type { Peer, Setting, StartPeer } from '../peer.ts';

/** With its cache, @fastify/jwt verifies a token once, as our relay does. */
const CACHED_TOKENS = 10_000;

async function start(
  opened: Opened,
  name: string,
  script: string,
  args: readonly string[],
): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const { url, pid } = await opened.program('peer', name, port, [
    process.execPath,
    `bench/peers/${script}`,
    String(port),
    ...args,
  ]);
  return { name, url, pid, isJit: true, refuses: 'bad tokens' };
}

const fastifyArgs = ({ upstream, authority }: Setting, cached: number): readonly string[] => {
  const { publicKeyFile, issuer, audience, scope } = authority;
  return [upstream, publicKeyFile, issuer, audience, scope, String(cached)];
};

/** Fastify that verifies each request. */
export const fastify: StartPeer = (opened, setting) =>
  start(opened, 'fastify + @fastify/jwt + http-proxy', 'fastify.mjs', fastifyArgs(setting, 0));

/** Fastify with its cache of verified tokens. */
export const fastifyCached: StartPeer = (opened, setting) =>
  start(
    opened,
    'fastify, with its token cache',
    'fastify.mjs',
    fastifyArgs(setting, CACHED_TOKENS),
  );

/** Express with Auth0's middleware. */
export const express: StartPeer = (opened, { upstream, authority }) => {
  const { jwksUri, issuer, audience, scope } = authority;
  const args = [upstream, jwksUri, issuer, audience, scope];
  return start(opened, 'express + Auth0 + http-proxy-middleware', 'express.mjs', args);
};

/** Ways to forward, without any check: a bare pipe, httpxy, the least that node:http allows, and our own wire. */
export const forwarder =
  (kind: 'pipe' | 'httpxy' | 'bare' | 'wire', name: string): StartPeer =>
  async (opened, { upstream }) => {
    const args = ['bench/forwarder.ts', kind, upstream];
    const { url, pid } = await opened.script('peer', name, args, NODE_OPTIONS);
    return { name, url, pid, isJit: true, refuses: 'nothing' };
  };

/** The floor under every proxy on node:http; it knows short answers only. */
export const bare = forwarder('bare', 'node:http and sockets, no check');
