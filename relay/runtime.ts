import { BlockList } from 'node:net';
import { claimAt } from './auth/claims.ts';
import type { ApiConfig, RelayConfig } from './config/config.ts';
import { createHostCheck, type HostCheck } from './hosts.ts';
import { compileRules, type CompiledRules } from './policy/rules.ts';
import { createRoutes, type Routes } from './upstream/routes.ts';
import { createTargets, type Targets } from './upstream/targets.ts';
import { createTransform, type Transform } from './upstream/transform.ts';

/** One API, ready to serve. */
export interface Api {
  readonly config: ApiConfig;
  readonly path: string;
  readonly rules: CompiledRules;
  readonly targets: Targets;
  readonly transform: Transform;
}

/** A configuration, compiled: what requests are judged and sent by. */
export interface Runtime {
  readonly config: RelayConfig;
  /** The protected resource's identifier, without a trailing slash. */
  readonly resource: string;
  readonly apis: readonly Api[];
  readonly routes: Routes<Api>;
  readonly checkHost: HostCheck;
  readonly trustedProxies: BlockList | undefined;
}

function trustedProxies(cidrs: readonly string[]): BlockList | undefined {
  if (cidrs.length === 0) return undefined;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address, bits] = cidr.split('/') as [string, string | undefined];
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/**
 * Compiles a checked configuration.
 *
 * @param config what the file says
 * @param listenUrl the listener's own URL: the resource where `publicUrl` is not set
 * @returns what the pipeline needs
 */
export function createRuntime(config: RelayConfig, listenUrl: string): Runtime {
  const resource = config.publicUrl ?? listenUrl;
  const apis = config.apis.map((api) => ({
    config: api,
    path: api.path,
    rules: compileRules(api.rules),
    targets: createTargets(api.upstreams),
    transform: createTransform(api, claimAt, config.clientCertificateHeader),
  }));
  return {
    config,
    resource,
    apis,
    routes: createRoutes(apis),
    checkHost: createHostCheck(config, resource),
    trustedProxies: trustedProxies(config.trustedProxies),
  };
}
