/**
 * Whether an address is given requests: while it is `open` it is left alone; the next request after
 * that is a `trial`.
 */
export interface Circuit {
  state: 'closed' | 'open' | 'trial';
  /** Failed exchanges in a row. */
  failures: number;
  /** When the first of them was, epoch ms. */
  failingSinceMs: number;
  /** When the last failure opened it, epoch ms. */
  openedAtMs: number;
  /** When it was opened or last tried, epoch ms. */
  triedAtMs: number;
}

/** When a circuit opens, and for how long. */
export interface CircuitTiming {
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
}

/** The only addresses that are left are tried this often, however long they ought to rest. */
const LAST_RESORT_MS = 1_000;

/** Makes a circuit of an address of which nothing bad is known. */
export function createCircuit(): Circuit {
  return { state: 'closed', failures: 0, failingSinceMs: 0, openedAtMs: 0, triedAtMs: 0 };
}

/** A failure after the connection stood may be the request's own: in a row for this long it is not. */
const DOUBT_MS = 1_000;

/**
 * Takes note of a failed exchange.
 *
 * @param circuit the address's
 * @param timing when it opens
 * @param failure `nowMs`: epoch ms; `isCertain`: no connection came about, so no request is to blame
 * @returns true when this one opened it
 */
export function noteFailure(
  circuit: Circuit,
  timing: CircuitTiming,
  { nowMs, isCertain }: { readonly nowMs: number; readonly isCertain: boolean },
): boolean {
  if (circuit.failures === 0) circuit.failingSinceMs = nowMs;
  circuit.failures += 1;
  if (circuit.state === 'open') return false;
  const wasClosed = circuit.state === 'closed';
  if (wasClosed) {
    if (circuit.failures < timing.breakerFailures) return false;
    if (!isCertain && nowMs - circuit.failingSinceMs < DOUBT_MS) return false;
  }
  circuit.state = 'open';
  circuit.openedAtMs = nowMs;
  circuit.triedAtMs = nowMs;
  return wasClosed;
}

/**
 * Tells whether an open circuit has rested long enough to be tried.
 *
 * @param circuit the address's
 * @param timing for how long it is left alone
 * @param nowMs epoch ms
 */
export function isDue(circuit: Circuit, timing: CircuitTiming, nowMs: number): boolean {
  return circuit.state === 'open' && nowMs >= circuit.openedAtMs + timing.breakerOpenMs;
}

/**
 * Tells whether an address may be tried because there is no other.
 *
 * @param circuit the address's
 * @param nowMs epoch ms
 */
export function isLastResort(circuit: Circuit, nowMs: number): boolean {
  return circuit.state !== 'closed' && nowMs >= circuit.triedAtMs + LAST_RESORT_MS;
}

/**
 * Lets one request through.
 *
 * @param circuit the address's, not closed
 * @param nowMs epoch ms
 */
export function beginTrial(circuit: Circuit, nowMs: number): void {
  circuit.state = 'trial';
  circuit.triedAtMs = nowMs;
}
