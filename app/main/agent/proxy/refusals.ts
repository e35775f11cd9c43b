import type { Duplex } from 'node:stream';
import { ulid } from 'ulid';
import { WireError } from '../../../../wire/errors.ts';
import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';
import { problemBody, ProblemError } from '../../../../wire/problem.ts';
import { AgentError } from '../errors.ts';

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

/**
 * Tells whether the relay refused the token itself, so that another one may do.
 *
 * @param status of the relay's answer
 * @param raw its fields
 * @returns true for 401 with `invalid_token`
 * @see RFC 6750 §3.1
 */
export function isTokenRefused(status: number, raw: HeaderList): boolean {
  return (
    status === 401 &&
    fieldValues(raw, 'www-authenticate').some((value) => value.includes('error="invalid_token"'))
  );
}

/**
 * Refuses CONNECT: inside such a tunnel no token could be attached.
 *
 * @param socket the tool's connection
 */
export function refuseConnect(socket: Duplex): void {
  const error = new AgentError(
    'method',
    'CONNECT is not supported: call the API by http:// through this port; Latchkey adds TLS towards the relay.',
  );
  const body = problemBody(error, ulid());
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
