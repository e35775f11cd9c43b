/** As many digits of a trace id as a number holds exactly; the last ones are random by every version of the standard. */
const DIGITS = 13;
const RANGE = 16 ** DIGITS;

/**
 * Decides for a trace that begins here whether it is recorded. The trace id alone decides, so that all
 * who use the same ratio keep the same traces.
 *
 * @param traceId 32 hex digits
 * @param ratio from 0, none, to 1, all
 * @returns whether it is among the share that is kept
 * @see OpenTelemetry, Tracing SDK: TraceIdRatioBased; W3C Trace Context Level 2 §3.2.2.3
 */
export function isKept(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-DIGITS), 16) >= (1 - ratio) * RANGE;
}
