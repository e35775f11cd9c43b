import http from 'node:http';
import https from 'node:https';
import type { NextHop } from '../../wire/next-hop.ts';

/** One address of an API. */
export interface UpstreamTarget {
  /** As configured, without secrets: for the audit. */
  readonly url: string;
  readonly hop: NextHop;
  /** The Host value that it expects. */
  readonly host: string;
  /** Path prefix of its own, without a trailing slash. */
  readonly basePath: string;
}

/** The addresses of one API, taken in turn. */
export interface Targets {
  next(): UpstreamTarget;
  /** Closes idle connections. */
  close(): void;
}

function createTarget(url: string): UpstreamTarget {
  const parsed = new URL(url);
  const secure = parsed.protocol === 'https:';
  // The most recently used connection is the least likely to have been closed by the other side.
  const options = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 256 } as const;
  return {
    url: parsed.origin + parsed.pathname.replace(/\/$/, ''),
    host: parsed.host,
    basePath: parsed.pathname.replace(/\/$/, ''),
    hop: {
      protocol: secure ? 'https:' : 'http:',
      hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
      port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
      agent: secure ? new https.Agent(options) : new http.Agent(options),
    },
  };
}

/**
 * Prepares an API's addresses, each with a pool of connections.
 *
 * @param urls absolute http(s) URLs, at least one
 * @returns the addresses
 */
export function createTargets(urls: readonly string[]): Targets {
  const targets = urls.map(createTarget);
  let turn = 0;
  return {
    next() {
      turn = (turn + 1) % targets.length;
      return targets[turn] as UpstreamTarget;
    },
    close() {
      for (const target of targets) target.hop.agent.destroy();
    },
  };
}
