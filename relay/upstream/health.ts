import type { HealthConfig } from '../config/api-config.ts';
import type { Probe } from './probe.ts';

/** What active checks found out. */
export type Opinion =
  { readonly isHealthy: true } | { readonly isHealthy: false; readonly problem: string };

/** Asks an address at intervals whether it is well. */
export interface HealthCheck {
  start(): void;
  stop(): void;
}

/** What a health check works with. */
export interface HealthCheckOptions {
  readonly probe: Probe;
  readonly health: HealthConfig;
  /** The opinion now. */
  readonly isHealthy: () => boolean;
  /** Told of each good answer. */
  readonly onWell: () => void;
  /** Told when the opinion changes. */
  readonly onChange: (opinion: Opinion) => void;
  /** 0 to 1. */
  readonly random: () => number;
}

/**
 * Makes the check of one address; the next question waits for the answer to the last. The first comes
 * at a random moment of the interval, and each pause varies by a tenth, so that many addresses, and
 * many relays, don't ask at the same time.
 *
 * @param options the probe, how often, and who hears of it
 * @returns the check, not started
 */
export function createHealthCheck(options: HealthCheckOptions): HealthCheck {
  const { probe, health, isHealthy, onWell, onChange, random } = options;
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  /** Answers in a row that contradict the opinion. */
  let against = 0;

  function judge(problem: string | undefined): void {
    if ((problem === undefined) === isHealthy()) {
      against = 0;
      return;
    }
    against += 1;
    if (against < (problem === undefined ? health.healthyAfter : health.unhealthyAfter)) return;
    against = 0;
    onChange(problem === undefined ? { isHealthy: true } : { isHealthy: false, problem });
  }
  async function check(): Promise<void> {
    const problem = await probe.ask();
    if (!running) return;
    if (problem === undefined) onWell();
    judge(problem);
    wait(health.intervalMs * (0.9 + random() * 0.2));
  }
  function wait(ms: number): void {
    timer = setTimeout(() => void check(), ms).unref();
  }

  return {
    start() {
      if (running) return;
      running = true;
      wait(health.intervalMs * random());
    },
    stop() {
      running = false;
      clearTimeout(timer);
      probe.abort();
    },
  };
}
