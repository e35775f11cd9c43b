import { createConnectionPool, type PoolTls } from '../../wire/connection-pool.ts';
import type { NextHop } from '../../wire/next-hop.ts';
import type { ApiConfig } from '../config/api-config.ts';
import { parseAddress, type UpstreamAddress } from './address.ts';
import { createCircuit, type Circuit } from './circuit.ts';
import { createResolver, type Resolver, type ResolveName } from './resolve.ts';

/** One address of an API, as far as a request wants to know. */
export interface UpstreamTarget {
  /** As configured, without secrets: for the audit. */
  readonly url: string;
  readonly hop: NextHop;
  /** The Host value that it expects. */
  readonly host: string;
  /** Path prefix of its own, without a trailing slash. */
  readonly basePath: string;
  /** Counts its answers, those to active checks too; begins anew at some point. */
  readonly answers: number;
}

/** One address of an API, with its connections and what is known of its condition. */
export interface Target extends UpstreamTarget {
  hop: NextHop;
  answers: number;
  readonly address: UpstreamAddress;
  readonly tls: PoolTls | undefined;
  readonly resolver: Resolver | undefined;
  /** Exchanges under way. */
  open: number;
  readonly circuit: Circuit;
  /** What active checks say, and why if they say no. */
  isHealthy: boolean;
  problem: string | undefined;
  /** Since when it takes on a growing share, epoch ms; 0 when it has its full one. */
  rampFromMs: number;
  /** What it is owed while shares differ. */
  credit: number;
}

/** What of an API's configuration its addresses need. */
export type UpstreamConfig = Pick<
  ApiConfig,
  'name' | 'upstreams' | 'upstreamTls' | 'health' | 'balancing'
> & { readonly request: Pick<ApiConfig['request'], 'credentials'> };

function tlsOf({ upstreamTls, request }: UpstreamConfig): PoolTls {
  const { credentials } = request;
  return {
    ...(upstreamTls?.ca === undefined ? {} : { ca: upstreamTls.ca }),
    ...(upstreamTls?.serverName === undefined ? {} : { servername: upstreamTls.serverName }),
    ...(credentials?.kind === 'clientCertificate'
      ? { cert: credentials.certificate, key: credentials.key }
      : {}),
  };
}

/**
 * Prepares an address of an API; nothing is opened before the first request.
 *
 * @param url as configured
 * @param config of the API
 * @param resolve asks where a name is
 * @returns the address
 */
export function createTarget(url: string, config: UpstreamConfig, resolve: ResolveName): Target {
  const address = parseAddress(url);
  const { hostname, port, socketPath } = address;
  const tls = address.secure ? tlsOf(config) : undefined;
  const { resolveMs } = config.balancing;
  /** Connections to addresses that are no longer the name's are finished and not used again. */
  const moveOn = (): void => {
    const before = target.hop;
    target.hop = createHop();
    before.pool.retire();
  };
  const resolver = address.isName
    ? createResolver({ hostname, resolveMs, resolve, onGone: moveOn })
    : undefined;
  const createHop = (): NextHop => ({
    pool: createConnectionPool({
      host: hostname,
      port,
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(tls === undefined ? {} : { tls }),
      ...(resolver === undefined ? {} : { lookup: resolver.lookup }),
    }),
  });
  const target: Target = {
    url: address.url,
    host: address.host,
    basePath: address.basePath,
    answers: 0,
    hop: createHop(),
    address,
    tls,
    resolver,
    open: 0,
    circuit: createCircuit(),
    isHealthy: true,
    problem: undefined,
    rampFromMs: 0,
    credit: 0,
  };
  return target;
}
