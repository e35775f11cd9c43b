import { createRandomHex, type RandomHex } from './pooled-random.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

const randomHex = createRandomHex();

/** A position in a distributed trace, and the field that tells the next hop of it. */
export interface TraceContext {
  readonly traceId: string;
  readonly traceparent: string;
}

/**
 * Continues the caller's trace with a span of our own, or begins one.
 *
 * @param incoming the received `traceparent`, if any; a malformed one is ignored
 * @param random hex for new ids
 * @returns the context to record and to send on
 * @see W3C Trace Context §3.2
 */
export function continueTrace(
  incoming: string | undefined,
  random: RandomHex = randomHex,
): TraceContext {
  const match = incoming === undefined ? null : TRACEPARENT.exec(incoming);
  const known =
    match !== null && !/^0+$/.test(match[1] as string) && !/^0+$/.test(match[2] as string);
  const traceId = known ? (match[1] as string) : random(16);
  const flags = known ? (match[3] as string) : '00';
  return { traceId, traceparent: `00-${traceId}-${random(8)}-${flags}` };
}
