import type { Delivery } from './sink.ts';

type Failed = Extract<Delivery, { kind: 'failed' }>;

/** Of node's TLS and OpenSSL's verification: the other side is not who it should be, or speaks no TLS. */
const TLS =
  /^(?:ERR_TLS|ERR_SSL|CERT_|EPROTO$|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/**
 * Says what came of a connection that failed.
 *
 * @param error of the socket, or of the request on it
 * @param timedOutMs the patience that came to its end, if it did
 * @returns the failure, which holds nothing of what was sent
 */
export function transportFailure(error: unknown, timedOutMs?: number): Failed {
  if (timedOutMs !== undefined)
    return { kind: 'failed', reason: 'timeout', problem: `no answer within ${timedOutMs} ms` };
  const { code = '' } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const problem = error instanceof Error ? error.message : 'the connection failed';
  return { kind: 'failed', reason: TLS.test(code) ? 'tls' : 'connect', problem };
}
