/** How patient a breaker is; the defaults suit production, tests shorten them. */
export interface BreakerTiming {
  /** This many failures in a row open it. */
  readonly threshold: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

/** What a breaker works with. */
export interface BreakerDeps {
  /** Finds out whether the other side is well again; while the breaker is open, nothing else asks. */
  readonly probe: () => Promise<boolean>;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly timing?: Partial<BreakerTiming>;
}

/** Keeps a side that fails from being asked over and over. */
export interface Breaker {
  /** False while it is open: do not ask. */
  readonly allows: () => boolean;
  readonly succeeded: () => void;
  readonly failed: () => void;
  /** Opens it at once, until a probe succeeds. */
  readonly trip: () => void;
  readonly close: () => void;
}

const defaults: BreakerTiming = { threshold: 5, retryMinMs: 500, retryMaxMs: 30_000 };

/**
 * Makes a breaker. It recovers by probes of its own and needs no traffic for that: a relay that is
 * not ready gets none. No caller's request serves as a probe, so none can be made to fail on purpose.
 *
 * @param deps the probe, jitter, patience
 * @returns a closed breaker
 */
export function createBreaker(deps: BreakerDeps): Breaker {
  const timing = { ...defaults, ...deps.timing };
  let failures = 0;
  let probes = 0;
  let open = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function succeeded(): void {
    failures = 0;
    probes = 0;
    open = false;
    clearTimeout(timer);
    timer = undefined;
  }

  async function probe(): Promise<void> {
    const well = await deps.probe();
    if (!open) return;
    if (well) succeeded();
    else schedule();
  }

  function schedule(): void {
    if (closed) return;
    const backOffMs = Math.min(timing.retryMaxMs, timing.retryMinMs * 2 ** Math.min(probes, 20));
    probes += 1;
    timer = setTimeout(() => void probe(), backOffMs * (0.75 + deps.random() / 2));
    timer.unref();
  }

  function trip(): void {
    if (open) return;
    open = true;
    schedule();
  }

  return {
    allows: () => !open,
    succeeded,
    failed() {
      failures += 1;
      if (failures >= timing.threshold) trip();
    },
    trip,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
