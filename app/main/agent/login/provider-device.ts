import * as client from 'openid-client';
import { AgentError } from '../errors.ts';
import type { TokenSet } from '../session/token-set.ts';
import { challengeParameters, type SignInChallenge } from './challenge.ts';
import { bindsTokens, notBound, type Proofs } from './dpop.ts';
import { isSafeTransport, parseUrl } from './outbound.ts';
import type { ProviderCalls } from './provider-calls.ts';
import { tokenSet } from './provider-tokens.ts';
import type { RelayMetadata } from './relay-metadata.ts';

/** What a person needs to sign in on another device. */
export interface DeviceCode {
  /** To be typed on the page. */
  readonly userCode: string;
  /** The page to open anywhere. */
  readonly url: string;
  /** The same page with the code in it, to be shown as a QR code. */
  readonly completeUrl?: string;
  readonly expiresAtMs: number;
}

/** What the provider says while a person is busy elsewhere. */
export type DevicePoll =
  | { readonly kind: 'pending' }
  | { readonly kind: 'slow-down' }
  | { readonly kind: 'tokens'; readonly tokens: TokenSet };

/** One code, and how to ask what became of it. */
export interface DeviceRequest {
  readonly code: DeviceCode;
  /** At least that long between two polls. */
  readonly intervalMs: number;
  /** @throws {AgentError} `sign_in_timeout`, `consent_refused`, `provider_refused`, `provider_protocol`, `provider_unreachable` */
  poll(): Promise<DevicePoll>;
}

/** What {@link requestDeviceCode} works with. */
export interface DeviceRequestDeps {
  readonly calls: ProviderCalls;
  readonly proofs: Proofs;
  readonly now: () => number;
}

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
const longestLifeMs = 3_600_000;
const defaultIntervalSeconds = 5;

/**
 * Asks a provider for a code that a person enters on another device.
 *
 * @param deps calls, proofs, clock
 * @param relay what the tokens are for
 * @param signal ends the request and its polls
 * @param challenge how strongly and how recently the person has to sign in
 * @returns the code, and how to poll
 * @throws {AgentError} `provider_unreachable`, `provider_protocol`, `provider_refused`
 * @see RFC 8628 §3.1, §3.2, §3.4, §3.5
 */
export async function requestDeviceCode(
  deps: DeviceRequestDeps,
  relay: RelayMetadata,
  signal: AbortSignal,
  challenge?: SignInChallenge,
): Promise<DeviceRequest> {
  const { calls, proofs, now } = deps;
  const config = await calls.connect(relay);
  const server = config.serverMetadata();
  if (!server.device_authorization_endpoint) throw noDeviceGrant(relay.issuer);
  const proof = bindsTokens(server, relay.dpop, relay.issuer)
    ? await proofs.create(config)
    : undefined;
  const askedAtMs = now();
  const answer = await calls.run(
    relay,
    'device',
    async (config) =>
      client.initiateDeviceAuthorization(config, {
        ...relay.authorizationParameters,
        ...challengeParameters(challenge),
        scope: relay.scopes.join(' '),
        resource: relay.resource,
      }),
    { signal },
  );

  const poll = (): Promise<DevicePoll> =>
    calls.run(
      relay,
      'device',
      async (config): Promise<DevicePoll> => {
        try {
          const tokens = await client.genericGrantRequest(
            config,
            grantType,
            { device_code: answer.device_code, resource: relay.resource },
            proof && { DPoP: proof.handle },
          );
          const set = tokenSet(tokens, relay, now(), proof);
          if (relay.dpop === 'required' && set.tokenType !== 'dpop') throw notBound(relay.issuer);
          return { kind: 'tokens', tokens: set };
        } catch (error) {
          return pollError(error, relay.issuer);
        }
      },
      { signal },
    );

  const intervalSeconds = answer.interval ?? defaultIntervalSeconds;
  const lifeMs = Math.min(answer.expires_in * 1000, longestLifeMs);
  return {
    code: checkedCode(answer, relay.issuer, askedAtMs + lifeMs),
    intervalMs: Math.min(60, Math.max(1, intervalSeconds)) * 1000,
    poll,
  };
}

/** RFC 8628 §3.5: two of the errors mean "go on", two end the attempt. */
function pollError(error: unknown, issuer: string): DevicePoll {
  const code = error instanceof client.ResponseBodyError ? error.error : undefined;
  const { host } = new URL(issuer);
  switch (code) {
    case 'authorization_pending':
      return { kind: 'pending' };
    case 'slow_down':
      return { kind: 'slow-down' };
    case 'expired_token':
      throw codeExpired(issuer);
    case 'access_denied':
      throw new AgentError(
        'consent_refused',
        `Access was refused at ${host} (access_denied). Sign in again and allow access, or ask your administrator for it.`,
      );
    default:
      throw error;
  }
}

/**
 * Says that nobody entered the code in time.
 *
 * @param issuer the provider
 * @returns the fault
 */
export function codeExpired(issuer: string): AgentError {
  return new AgentError(
    'sign_in_timeout',
    `The code was not entered at ${new URL(issuer).host} in time. Start the sign-in again to get a new one.`,
  );
}

function noDeviceGrant(issuer: string): AgentError {
  return new AgentError(
    'provider_protocol',
    `The identity provider ${new URL(issuer).host} offers no sign-in by a code (device authorization grant). Sign in on a computer with a browser, or ask your administrator to turn it on there.`,
  );
}

/** It is printed on terminals, and people follow it: nothing but plain text and pages that can be trusted. */
function checkedCode(
  answer: client.DeviceAuthorizationResponse,
  issuer: string,
  expiresAtMs: number,
): DeviceCode {
  const { user_code: userCode, verification_uri_complete: complete } = answer;
  if (!/^[\w .-]{1,64}$/.test(userCode)) throw badCode(issuer, 'the code is not plain text');
  const url = page(answer.verification_uri, issuer);
  return {
    userCode,
    url,
    ...(complete !== undefined && { completeUrl: page(complete, issuer) }),
    expiresAtMs,
  };
}

function page(text: string, issuer: string): string {
  const url = parseUrl(text);
  if (url && isSafeTransport(url) && !url.username && !url.password) return url.href;
  throw badCode(issuer, 'the page to open is not an https address');
}

function badCode(issuer: string, why: string): AgentError {
  return new AgentError(
    'provider_protocol',
    `An answer of the identity provider ${new URL(issuer).host} is not valid (${why}). Try again; if it goes on, tell your administrator.`,
  );
}
