import { AuditError } from '../../audit/errors.ts';
import { RelayError } from '../errors.ts';

/** An error on its way to another process: what its catcher there may look at, and no stack. */
export type Fault = readonly [kind: 'relay' | 'audit' | 'other', code: string, message: string];

/**
 * Writes an error down.
 *
 * @param error what was thrown
 * @returns what can be sent
 */
export function toFault(error: unknown): Fault {
  if (error instanceof RelayError) return ['relay', error.code, error.message];
  if (error instanceof AuditError) return ['audit', error.code, error.message];
  return ['other', '', error instanceof Error ? error.message : 'unknown'];
}

/**
 * Makes the error again.
 *
 * @param fault what was sent
 * @returns an error of the same class, code and message
 */
export function fromFault([kind, code, message]: Fault): Error {
  if (kind === 'relay') return new RelayError(code as RelayError['code'], message);
  if (kind === 'audit') return new AuditError(code as AuditError['code'], message);
  return new Error(message);
}
