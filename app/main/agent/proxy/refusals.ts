import { WireError } from '../../../../wire/errors.ts';
import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';
import { ALLOW } from '../../../../wire/methods.ts';
import { ProblemError } from '../../../../wire/problem.ts';
import { AgentError } from '../errors.ts';
import type { SignInChallenge } from '../login/challenge.ts';
import { readStepUp } from './challenge.ts';

/** The next hop of the app is always the relay: say so. */
function fromWire(error: WireError): ProblemError {
  const options = { cause: error.cause };
  switch (error.code) {
    case 'upstream_unreachable':
      return new AgentError('relay_unreachable', `The relay: ${error.message}`, options);
    case 'upstream_protocol':
      return new AgentError('relay_protocol', `The relay: ${error.message}`, options);
    case 'upstream_timeout':
      return new AgentError('relay_timeout', `The relay: ${error.message}`, options);
    default:
      return error;
  }
}

/**
 * Turns whatever was thrown into a refusal that may be shown.
 *
 * @param error anything
 * @returns a refusal in the app's words; `internal` for what is not one
 */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof WireError) return fromWire(error);
  if (error instanceof ProblemError) return error;
  if ((error as { code?: unknown } | null)?.code === 'audit_unavailable') {
    const detail = 'The local audit cannot be written, so nothing is sent; check the disk.';
    return new AgentError('audit_unavailable', detail, { cause: error });
  }
  return new AgentError('internal', 'Latchkey failed; its log tells more.', { cause: error });
}

/** A refusal by the relay that another try may overcome. */
export type Refusal =
  | { readonly kind: 'token' }
  | { readonly kind: 'proof' }
  | { readonly kind: 'step-up'; readonly challenge: SignInChallenge };

/**
 * Finds the relay's own reason. Only the relay can give one: it drops the field from APIs' answers.
 *
 * @param raw the fields of its answer
 * @returns the code, or `undefined` for an answer of an API
 */
export function relayCode(raw: HeaderList): string | undefined {
  const [code, ...more] = fieldValues(raw, 'x-latchkey-code');
  return more.length === 0 && code !== undefined && /^[a-z_]{1,40}$/.test(code) ? code : undefined;
}

/**
 * Tells whether the relay refused a request in a way that can be put right. Such a request has not
 * reached an API, so that repeating it is safe whatever its method.
 *
 * @param status of the relay's answer
 * @param raw its fields
 * @returns what would help, or `undefined`
 * @see RFC 6750 §3.1, RFC 9449 §9, RFC 9470 §3
 */
export function readRefusal(status: number, raw: HeaderList): Refusal | undefined {
  const code = status === 401 ? relayCode(raw) : undefined;
  if (code === 'dpop_nonce' || code === 'dpop_proof') return { kind: 'proof' };
  if (code === 'step_up') {
    const challenge = readStepUp(raw);
    return challenge && { kind: 'step-up', challenge };
  }
  // Where no token arrived, another one will not either.
  return code?.startsWith('token_') && code !== 'token_missing' ? { kind: 'token' } : undefined;
}

/**
 * Tells which fields a refusal needs beside its own. The challenge has a scheme of its own: by one that they
 * know, such as Bearer or Basic, tools would begin a sign-in of theirs, which leads nowhere here.
 *
 * @param problem the refusal
 * @param relay its origin, where one is set
 * @returns `WWW-Authenticate` with a 401, `Allow` with a 405
 * @see RFC 9110 §11.6.1, §15.5.6, RFC 9728 §5.1
 */
export function refusalFields(
  problem: Pick<ProblemError, 'code' | 'status'>,
  relay: string | undefined,
): Readonly<Record<string, string>> {
  if (problem.status === 405) return { Allow: ALLOW };
  if (problem.status !== 401) return {};
  const parts = [`error="${problem.code}"`];
  if (relay !== undefined) {
    parts.push(`resource_metadata="${relay}/.well-known/oauth-protected-resource"`);
  }
  return { 'WWW-Authenticate': `Latchkey ${parts.join(', ')}` };
}

/**
 * The refusal of CONNECT: inside such a tunnel no token could be attached.
 *
 * @returns `method`
 */
export function connectRefused(): AgentError {
  return new AgentError(
    'method',
    'CONNECT is not supported: call the API by http:// through this port; Latchkey adds TLS towards the relay.',
  );
}
