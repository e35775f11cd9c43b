import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** Why what was known of the network may not hold any more. */
export type WakeReason = 'slept' | 'clock' | 'network';

/** What {@link watchWakes} works with. */
export interface WakeWatchDeps {
  readonly onWake: (reason: WakeReason) => void;
  /** How often it looks, in ms (5 s). */
  readonly everyMs?: number;
  /** Epoch ms. */
  readonly now?: () => number;
  /** Ms that go on while the clock is set; on Linux they stand still in sleep. */
  readonly uptime?: () => number;
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
}

const EVERY_MS = 5_000;
/** A busy machine runs timers late, and clocks are set by a little all the time. */
const TOLERANCE_MS = 15_000;

/**
 * Looks now and then whether the machine has slept, its clock was set, or it is on another network: the
 * system tells only programs with a window. Each look costs some 0.1 ms.
 *
 * @param deps who is told; clock, uptime and addresses of the machine
 * @returns ends the watch
 */
export function watchWakes(deps: WakeWatchDeps): () => void {
  const { everyMs = EVERY_MS, now = Date.now } = deps;
  const uptime = deps.uptime ?? (() => performance.now());
  const addresses = (): string => describe((deps.interfaces ?? networkInterfaces)());
  let last = { wallMs: now(), upMs: uptime(), addresses: addresses() };

  function look(): void {
    const seen = { wallMs: now(), upMs: uptime(), addresses: addresses() };
    const before = last;
    last = seen;
    const wallMs = seen.wallMs - before.wallMs;
    const upMs = seen.upMs - before.upMs;
    if (Math.max(wallMs, upMs) > everyMs + TOLERANCE_MS) return deps.onWake('slept');
    if (wallMs < upMs - TOLERANCE_MS) return deps.onWake('clock');
    if (seen.addresses !== before.addresses) deps.onWake('network');
  }

  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}

/** Loopback never changes, and order means nothing. */
function describe(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string {
  return Object.entries(interfaces)
    .flatMap(([name, addresses = []]) =>
      addresses.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
    )
    .sort()
    .join(', ');
}
