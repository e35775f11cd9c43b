import { BlockList } from 'node:net';
import { claimAt } from './auth/claims.ts';
import type { ApiConfig } from './config/api-config.ts';
import type { RelayConfig } from './config/config.ts';
import { createCors, type Cors } from './cors.ts';
import { createHostCheck, type HostCheck } from './hosts.ts';
import { compileRules, type CompiledRules } from './policy/rules.ts';
import type { ProxiedPeers } from './proxy-protocol.ts';
import { createNames } from './upstream/names.ts';
import { createRoutes, type Routes } from './upstream/routes.ts';
import { createTargets, type Targets, type TargetsDeps } from './upstream/targets.ts';
import { type AssertionKeys, readAssertionKeys } from './assertion-keys.ts';
import { createAssertion } from './upstream/assertion.ts';
import {
  createCredentials,
  type Credentials,
  type CredentialsDeps,
} from './upstream/credentials/credentials.ts';
import { createTransform, type Transform } from './upstream/transform.ts';

/** One API, ready to serve. */
export interface Api {
  readonly config: ApiConfig;
  readonly path: string;
  readonly rules: CompiledRules;
  readonly targets: Targets;
  readonly transform: Transform;
  /** What it is shown that depends on the request; undefined where nothing does. */
  readonly credentials: Credentials | undefined;
  /** Undefined: no web page of another origin may read its answers. */
  readonly cors: Cors | undefined;
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
  /** The other end of a connection, as far as what is in front of the relay tells. */
  readonly peerOf: ProxiedPeers['of'];
  readonly assertionKeys: AssertionKeys;
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
 * @param deps what the APIs' addresses and credentials work with; whose a connection is
 * @returns what the pipeline needs
 */
export function createRuntime(
  config: RelayConfig,
  listenUrl: string,
  deps: Omit<TargetsDeps, 'resolve'> & CredentialsDeps & Pick<Runtime, 'peerOf'>,
): Runtime {
  const resource = config.publicUrl ?? listenUrl;
  const resolve = createNames();
  const assertionKeys = readAssertionKeys(config);
  const { signing } = assertionKeys;
  const apis = config.apis.map((api) => ({
    config: api,
    path: api.path,
    rules: compileRules(api.rules),
    targets: createTargets(api, { ...deps, resolve }),
    transform: createTransform(api, {
      claimAt,
      resource,
      certificateField: config.clientCertificateHeader,
      assert:
        signing && api.request.assertion
          ? createAssertion(api.name, resource, signing, deps.now)
          : undefined,
    }),
    credentials: createCredentials(api, deps),
    cors: api.cors && createCors(api.cors),
  }));
  return {
    config,
    resource,
    apis,
    routes: createRoutes(apis),
    checkHost: createHostCheck(config, resource),
    trustedProxies: trustedProxies(config.trustedProxies),
    assertionKeys,
    peerOf: deps.peerOf,
  };
}
