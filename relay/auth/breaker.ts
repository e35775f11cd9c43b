/** How patient a breaker is; the defaults suit production, tests shorten them. */
export interface BreakerTiming {
  /** After this many failures in a row a probe is sent, which opens it when it fails too. */
  readonly threshold: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

/** What a breaker works with. */
export interface BreakerDeps {
  /** Finds out whether the other side is well; while the breaker is open, nothing else asks. Never rejects. */
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
 * not ready gets none. Failures of callers' requests only make it suspicious: they may be made to fail on purpose,
 * and a probe, which nobody can, decides.
 *
 * @param deps the probe, jitter, patience
 * @returns a closed breaker
 */
export function createBreaker(deps: BreakerDeps): Breaker {
  const timing = { ...defaults, ...deps.timing };
  let failures = 0;
  let probes = 0;
  let open = false;
  let suspicious = false;
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

  async function suspect(): Promise<void> {
    if (open || suspicious) return;
    suspicious = true;
    const well = await deps.probe();
    suspicious = false;
    if (well) succeeded();
    else if (failures >= timing.threshold) trip();
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
      if (failures >= timing.threshold) void suspect();
    },
    trip,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
