import * as client from 'openid-client';
import { AgentError } from '../errors.ts';
import { transportReason } from './outbound.ts';

/** Which step failed: the same answer means different things to a person. */
export type Step = 'discovery' | 'callback' | 'refresh' | 'revocation' | 'device' | 'machine';

const passing = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);
const refusals = new Set(['access_denied', 'consent_required', 'interaction_required']);

/**
 * Turns whatever a call to the identity provider threw into words for people.
 *
 * @param error what was thrown
 * @param issuer the provider, for its host name
 * @param step which step failed
 * @returns the fault; the cause keeps names and codes but no body, which may hold tokens
 */
export function providerError(error: unknown, issuer: string, step: Step): AgentError {
  const host = URL.canParse(issuer) ? new URL(issuer).host : issuer;
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 6; depth += 1) {
    if (cause instanceof AgentError) return cause;
    if (cause instanceof client.AuthorizationResponseError) {
      return refusedInBrowser(host, cause.error, cause.error_description);
    }
    if (cause instanceof client.ResponseBodyError) {
      if (passing.has(cause.error)) return unreachable(host, `it answers ${word(cause.error)}`);
      return refused(host, step, word(cause.error), cause.error_description);
    }
    if (cause instanceof client.WWWAuthenticateChallengeError) {
      return refused(host, step, String(cause.status));
    }
    cause = cause.cause;
  }
  return garbage(host, step, error);
}

/**
 * A call that did not get through.
 *
 * @param host the provider's host
 * @param reason a few words
 * @param cause what fetch threw
 * @returns the fault; worth another try
 */
export function unreachable(host: string, reason: string, cause?: unknown): AgentError {
  return new AgentError(
    'provider_unreachable',
    `The identity provider ${host} cannot be reached (${reason}). Check the network; if it goes on, tell your administrator.`,
    { cause: bare(cause) },
  );
}

/**
 * An answer that says no.
 *
 * @param host the provider's host
 * @param step which step was refused
 * @param why the OAuth error code or the HTTP status
 * @param description the provider's own words, if any
 * @returns `session_expired` for a refresh, else `provider_refused`
 */
export function refused(host: string, step: Step, why: string, description?: string): AgentError {
  if (step === 'refresh') {
    return new AgentError(
      'session_expired',
      `The identity provider ${host} ended your session (${why}). Sign in again.`,
    );
  }
  if (step === 'machine') {
    return new AgentError(
      'provider_refused',
      `The identity provider ${host} refused this machine's key (${why}${words(description)}). Check --client-id and --client-key, and that the public key is registered there for this client with the grant client_credentials.`,
    );
  }
  if (step === 'device' && why === 'unauthorized_client') {
    return new AgentError(
      'provider_refused',
      `The identity provider ${host} does not let this app sign in by a code (${why}). Ask your administrator to allow the device authorization grant for it.`,
    );
  }
  return new AgentError(
    'provider_refused',
    `The identity provider ${host} refused (${why}${words(description)}). Try again; if it goes on, tell your administrator.`,
  );
}

function refusedInBrowser(host: string, code: string, description?: string): AgentError {
  if (passing.has(code)) return unreachable(host, `it answers ${word(code)}`);
  if (refusals.has(code)) {
    return new AgentError(
      'consent_refused',
      `Access was refused at ${host} (${word(code)}${words(description)}). Sign in again and allow access, or ask your administrator for it.`,
    );
  }
  return refused(host, 'callback', word(code), description);
}

function garbage(host: string, step: Step, error: unknown): AgentError {
  const detail = error instanceof Error ? error.message : 'unknown';
  const what =
    step === 'callback'
      ? 'The sign-in was stopped: the answer'
      : step === 'discovery'
        ? 'The description'
        : 'An answer';
  return new AgentError(
    'provider_protocol',
    `${what} of the identity provider ${host} is not valid (${words(detail).slice(2)}). Try again; if it goes on, tell your administrator.`,
    { cause: bare(error) },
  );
}

/** An error code as it may be shown: no markup, no control characters, not long. */
function word(text: string): string {
  return /^[\w.-]{1,60}$/.test(text) ? text : 'unknown error';
}

function words(text: string | undefined): string {
  if (!text) return '';
  const clean = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return `: ${clean.length > 200 ? `${clean.slice(0, 200)}…` : clean}`;
}

/** Copies names and codes only: the library's errors carry whole answers in their causes. */
function bare(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  return new Error(`${error.name}${code}: ${error.message} (${transportReason(error)})`);
}
