import { describeRules } from './policy/describe.ts';
import type { Principal } from './auth/principal.ts';
import type { Api, Runtime } from './runtime.ts';
import { proofAlgorithms } from './auth/dpop.ts';
import type { IssuerConfig, RelayConfig } from './config/config.ts';

/** What the app needs to know beyond the provider's own metadata. */
const APP_ENDPOINTS = new Set([
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'end_session_endpoint',
]);

function appMetadata({ metadata }: IssuerConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => APP_ENDPOINTS.has(name)));
}

function desktop(issuer: IssuerConfig): Record<string, unknown> | undefined {
  if (issuer.desktop === undefined) return undefined;
  return {
    client_id: issuer.desktop.clientId,
    scopes: issuer.desktop.scopes,
    authorization_parameters: issuer.desktop.authorizationParameters,
    redirect_uri: issuer.desktop.redirectUri,
    redirect_ports: issuer.desktop.redirectPorts,
    dpop: issuer.dpop,
    metadata: appMetadata(issuer),
  };
}

function scopesSupported(runtime: Runtime): string[] {
  const rules = runtime.apis.flatMap((api) => api.config.rules);
  const wanted = rules.flatMap((rule) => [...(rule.scopes ?? []), ...(rule.anyScope ?? [])]);
  const asked = runtime.config.issuers.flatMap((issuer) => issuer.desktop?.scopes ?? []);
  return [...new Set([...asked, ...wanted])];
}

function canBindCertificates(config: RelayConfig): boolean {
  return config.tls?.clientCertificates === true || config.clientCertificateHeader !== undefined;
}

/**
 * The document by which the app configures itself from the relay's address alone.
 *
 * @param runtime the relay's configuration
 * @param version the relay's version
 * @returns the protected resource metadata, with a `latchkey` member
 * @see RFC 9728 §2
 */
function protectedResourceMetadata(runtime: Runtime, version: string): unknown {
  const { issuers } = runtime.config;
  const offers = issuers.flatMap((issuer) => {
    const offer = desktop(issuer);
    return offer === undefined ? [] : [[issuer.issuer, offer] as const];
  });
  return {
    resource: runtime.resource,
    authorization_servers: issuers.map((issuer) => issuer.issuer),
    scopes_supported: scopesSupported(runtime),
    bearer_methods_supported: ['header'],
    ...(issuers.every((issuer) => issuer.dpop === 'off')
      ? {}
      : { dpop_signing_alg_values_supported: proofAlgorithms }),
    dpop_bound_access_tokens_required: issuers.every((issuer) => issuer.dpop === 'required'),
    ...(canBindCertificates(runtime.config)
      ? { tls_client_certificate_bound_access_tokens: true }
      : {}),
    latchkey: { version, ...offers[0]?.[1], issuers: Object.fromEntries(offers) },
  };
}

/**
 * What the caller is to the relay.
 *
 * @param principal the caller
 * @returns the body of `GET /.latchkey/whoami`
 */
export function whoami(principal: Principal): unknown {
  return {
    issuer: principal.issuer,
    user: principal.user,
    ...(principal.userName === undefined ? {} : { name: principal.userName }),
    ...(principal.email === undefined ? {} : { email: principal.email }),
    roles: principal.roles,
    groups: principal.groups,
    scopes: principal.scopes,
    expiresAt: new Date(principal.expiresAtMs).toISOString(),
  };
}

function entry(api: Api, principal: Principal): unknown[] {
  const rules = describeRules(api.rules, principal);
  if (!rules.some((rule) => rule.allowed)) return [];
  const { name, title, description, docs, path, hosts } = api.config;
  return [
    {
      name,
      title,
      ...(description === undefined ? {} : { description }),
      ...(docs === undefined ? {} : { docs }),
      path,
      hosts,
      rules,
    },
  ];
}

/**
 * The APIs of which the caller may use something; others are not shown to exist.
 *
 * @param runtime the relay's configuration
 * @param principal the caller
 * @returns the body of `GET /.latchkey/apis`
 */
export function catalogue(runtime: Runtime, principal: Principal): unknown {
  return {
    user: principal.user,
    apis: runtime.apis.flatMap((api) => entry(api, principal)),
  };
}

/** A document that anybody may read. */
export interface PublicDocument {
  readonly body: unknown;
  /** How long it may be kept. */
  readonly cacheSeconds: number;
}

/**
 * Finds what needs no access token: the metadata, and the keys by which APIs verify assertions.
 *
 * @param path of the request, canonical
 * @param runtime the relay's configuration
 * @param version the relay's version
 * @returns the document that has this path, if any
 */
export function publicDocument(
  path: string,
  runtime: Runtime,
  version: string,
): PublicDocument | undefined {
  switch (path) {
    case '/.well-known/oauth-protected-resource':
      return { body: protectedResourceMetadata(runtime, version), cacheSeconds: 60 };
    case '/.latchkey/assertion-keys':
      return { body: runtime.assertionKeys.jwks, cacheSeconds: 300 };
    default:
      return undefined;
  }
}
