import type { AuditFields } from '../../../audit/record.ts';
import type { AgentErrorCode } from './errors.ts';
import type { Fault } from './status.ts';
import type { TokenSet } from './session/token-set.ts';
import { AgentError } from './errors.ts';

/** Shown when nobody has said which relay to use. */
export const noRelayText =
  'No relay is set. Enter the address that your company gave you, or start with --relay https://relay.example.com.';

/** Shown when a sign-in could not be recorded, and so doesn't count. */
export const noAuditText =
  'The sign-in could not be recorded in the local audit. Check the free space of the disk and sign in again.';

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
