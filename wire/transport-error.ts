import { WireError, type WireErrorCode } from './errors.ts';
import { ProblemError } from './problem.ts';

const TIMEOUT: [WireErrorCode, string] = [
  'upstream_timeout',
  'It did not answer in time; try again.',
];
const GONE: [WireErrorCode, string] = ['upstream_unreachable', 'The connection broke; try again.'];

/** One row a transport error: the code that the client sees, and what to do. */
const TABLE: Readonly<Record<string, [WireErrorCode, string]>> = {
  ECONNREFUSED: ['upstream_unreachable', 'Nothing listens there; check that it runs.'],
  ENOTFOUND: ['upstream_unreachable', 'Its name does not resolve; check the name and the network.'],
  EAI_AGAIN: ['upstream_unreachable', 'Its name cannot be resolved now; check the network.'],
  EHOSTUNREACH: ['upstream_unreachable', 'There is no route to it; check the network.'],
  ENETUNREACH: ['upstream_unreachable', 'There is no route to it; check the network.'],
  ENOENT: ['upstream_unreachable', 'Its socket does not exist; check that it runs.'],
  EACCES: ['upstream_unreachable', 'Connecting is not permitted; check the rights.'],
  ECONNRESET: GONE,
  ECONNABORTED: GONE,
  EPIPE: GONE,
  ETIMEDOUT: TIMEOUT,
  ERR_LATCHKEY_TIMEOUT: TIMEOUT,
};

/** Thrown inside the wire layer when one of its own timers ends. */
export class TimeoutError extends Error {
  readonly code = 'ERR_LATCHKEY_TIMEOUT';
}

/**
 * Maps whatever node's sockets, TLS and parser throw to one refusal.
 *
 * @param error the failure; kept as `cause`, never shown
 * @returns `upstream_unreachable`, `upstream_timeout` or `upstream_protocol`
 */
export function transportError(error: unknown): ProblemError {
  // Refusals of our own are what they are.
  if (error instanceof ProblemError) return error;
  const raw: unknown = (error as { code?: unknown } | null)?.code;
  const code = typeof raw === 'string' ? raw : '';
  const known = TABLE[code];
  if (known) return new WireError(known[0], known[1], { cause: error });
  if (code === 'ERR_LATCHKEY_RESPONSE') {
    return new WireError('upstream_protocol', 'Its answer is not valid HTTP.', { cause: error });
  }
  if (/CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new WireError('upstream_unreachable', 'Its TLS certificate is not accepted.', {
      cause: error,
    });
  }
  return new WireError('upstream_unreachable', 'The connection failed; try again.', {
    cause: error,
  });
}
