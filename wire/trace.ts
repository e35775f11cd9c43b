import { fieldValues, type HeaderList } from './headers.ts';
import { createRandomHex, type RandomHex } from './pooled-random.ts';

/** Version 00 ends after the flags; a later one may say more behind them (W3C Trace Context §3.2.4). */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const SAMPLED = 1;

/** What the app says with a trace that it began: whether to record it is the relay's to decide. */
const UNDECIDED = 'latchkey=undecided';

const randomHex = createRandomHex();

/** A position in a distributed trace. */
export interface TraceContext {
  readonly traceId: string;
  /** The caller's span; undefined where the trace begins here. */
  readonly parentId: string | undefined;
  /** Whether the caller records; undefined where nobody has decided. */
  readonly sampled: boolean | undefined;
  /** The field that tells the next hop. */
  readonly traceparent: string;
  /** Whether the caller's `tracestate` goes with it. */
  readonly keepsState: boolean;
}

interface Parent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** Two fields are as good as none: nobody could tell which of them the next hop reads. */
function readParent(raw: HeaderList): Parent | undefined {
  const fields = fieldValues(raw, 'traceparent');
  const match = fields.length === 1 ? TRACEPARENT.exec(fields[0] as string) : null;
  if (match === null) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = match;
  if (version === '00' && more !== undefined) return undefined;
  return ZEROS.test(traceId) || ZEROS.test(spanId) ? undefined : { traceId, spanId, flags };
}

const isSampled = (flags: string): boolean => (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;

/**
 * Writes the field that tells the next hop its place.
 *
 * @param traceId 32 hex digits
 * @param spanId 16 hex digits
 * @param flags two hex digits
 * @returns the value of `traceparent`
 * @see W3C Trace Context §3.2
 */
export function writeTraceparent(traceId: string, spanId: string, flags: string): string {
  return `00-${traceId}-${spanId}-${flags}`;
}

/**
 * Continues the caller's trace with a span of our own, or begins one.
 *
 * @param raw the received fields; a malformed `traceparent` is ignored, and its `tracestate` with it
 * @param random hex for new ids
 * @returns the context to record and to send on
 * @see W3C Trace Context §4.3
 */
export function continueTrace(raw: HeaderList, random: RandomHex = randomHex): TraceContext {
  const parent = readParent(raw);
  if (parent === undefined) {
    const traceId = random(16);
    const traceparent = writeTraceparent(traceId, random(8), '00');
    return { traceId, parentId: undefined, sampled: undefined, traceparent, keepsState: false };
  }
  const { traceId, spanId, flags } = parent;
  const traceparent = writeTraceparent(traceId, random(8), flags);
  const states = fieldValues(raw, 'tracestate');
  if (states.length === 1 && states[0] === UNDECIDED)
    return { traceId, parentId: undefined, sampled: undefined, traceparent, keepsState: false };
  return { traceId, parentId: spanId, sampled: isSampled(flags), traceparent, keepsState: true };
}

/** A trace as one carries it on who reports no span of their own. */
export interface CarriedTrace {
  readonly traceId: string;
  readonly traceparent: string;
  /** In place of the caller's; undefined where that goes on as it is. */
  readonly tracestate: string | undefined;
}

/**
 * Carries the caller's trace on as it is, so that the next hop's span hangs from the caller's, or
 * begins one for the next hop to decide about.
 *
 * @param raw the received fields
 * @param random hex for new ids
 * @returns the context to record and to send on
 * @see W3C Trace Context §4.3
 */
export function carryTrace(raw: HeaderList, random: RandomHex = randomHex): CarriedTrace {
  const parent = readParent(raw);
  if (parent === undefined) {
    const traceId = random(16);
    const traceparent = writeTraceparent(traceId, random(8), '00');
    return { traceId, traceparent, tracestate: UNDECIDED };
  }
  const { traceId, spanId, flags } = parent;
  const traceparent = writeTraceparent(traceId, spanId, flags);
  return { traceId, traceparent, tracestate: undefined };
}
