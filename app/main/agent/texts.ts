import type { AuditFields } from '../../../audit/record.ts';
import type { AgentErrorCode } from './errors.ts';
import type { SignInChallenge } from './login/challenge.ts';
import type { Fault } from './status.ts';
import type { TokenSet } from './session/token-set.ts';
import { AgentError } from './errors.ts';

/** Shown when nobody has said which relay to use. */
export const noRelayText =
  'No relay is set. Enter the address that your company gave you, or start with --relay https://relay.example.com.';

/** Shown when a sign-in could not be recorded, and so doesn't count. */
export const noAuditText =
  'The sign-in could not be recorded in the local audit. Check the free space of the disk and sign in again.';

/** Shown when the person who confirmed is not the one who is signed in. */
export const otherPersonText =
  'Somebody else signed in, so the confirmation does not count and you stay signed in as before. Try again as yourself, or sign out first.';

/** Shown when nothing tells who confirmed. */
export const unknownPersonText =
  'The identity provider did not say who confirmed, so the confirmation does not count. Ask your administrator to let Latchkey have the scope openid.';

/**
 * Asks for a stronger or fresher sign-in.
 *
 * @param title the API's title, where it is known
 * @param opened whether a browser tab asks as well
 * @param loginCommand what a person enters to sign in
 * @returns words for people
 */
export function confirmText(
  title: string | undefined,
  opened: boolean,
  loginCommand: string,
): string {
  const next = opened
    ? 'Sign in on the page that opened in your browser.'
    : `Open Latchkey and choose Confirm, or run: ${loginCommand}`;
  return `${title ?? 'Your company'} asks you to confirm that it is you. ${next}`;
}

/**
 * What the audit keeps of a confirmation.
 *
 * @param challenge what was asked for
 * @returns the classes asked for, and all of it in words
 */
export function asked({ acrValues, maxAgeSeconds }: SignInChallenge): AuditFields {
  const parts = [
    ...(acrValues.length === 0 ? [] : [`acr_values ${acrValues.join(' ')}`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age ${maxAgeSeconds}`]),
  ];
  return {
    ...(acrValues.length === 0 ? {} : { acr: acrValues.join(' ') }),
    detail: `asked for ${parts.join(', ')}`,
  };
}

/** The faults that only a new sign-in ends. */
export const signInNeeded: ReadonlySet<AgentErrorCode> = new Set(['signed_out', 'session_expired']);

/**
 * Says that the relay didn't accept even a fresh token.
 *
 * @param code the relay's reason
 * @returns words for people
 */
export function refusedText(code: string): string {
  return `The relay does not accept your sign-in (${code}). Sign in again; if it goes on, tell your administrator this code.`;
}

/**
 * What the audit keeps of a session.
 *
 * @param tokens the session's tokens
 * @returns person and client, no token
 */
export function person(tokens: TokenSet): AuditFields {
  return {
    issuer: tokens.issuer,
    clientId: tokens.clientId,
    ...(tokens.identity ? { user: tokens.identity.subject } : {}),
    ...(tokens.identity?.name ? { userName: tokens.identity.name } : {}),
  };
}

/**
 * Puts an error in the form that snapshots carry; what isn't meant for people stays in the log.
 *
 * @param error what was thrown
 * @param atMs when, epoch ms
 * @returns the fault
 */
export function toFault(error: unknown, atMs: number): Fault {
  if (error instanceof AgentError) return { code: error.code, message: error.message, atMs };
  return { code: 'internal', message: 'Something went wrong. The log says more.', atMs };
}
