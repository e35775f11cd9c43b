import { chooseCarefully, isCalm, leastOpen } from './balancer.ts';
import { createCircuit, noteFailure } from './circuit.ts';
import { createHealthCheck, type Opinion } from './health.ts';
import { createProbe } from './probe.ts';
import type { ResolveName } from './resolve.ts';
import { createTarget, type Target, type UpstreamConfig, type UpstreamTarget } from './target.ts';

/** What is known of one address. */
export interface TargetCondition {
  readonly upstream: string;
  /** Whether it is given requests. */
  readonly isUsed: boolean;
  /** Whether active checks found it unhealthy; false where there are none. */
  readonly isDown: boolean;
  /** Why it is not used. */
  readonly problem?: string;
}

/** The addresses of one API: who gets the next request, and who is left alone. */
export interface Targets {
  /** Takes the address for a request; give it back with {@link release}. Undefined: none may be asked. */
  take(): UpstreamTarget | undefined;
  /** Takes another one, after those that failed for this request. */
  takeOther(tried: readonly UpstreamTarget[]): UpstreamTarget | undefined;
  /** The address began to answer: it is well. */
  answered(target: UpstreamTarget): void;
  /**
   * An exchange with it failed: `reason` is the refusal's code, `isCertain` tells that no connection
   * came about, so that no request is to blame.
   */
  failed(target: UpstreamTarget, reason: string, isCertain: boolean): void;
  /** The exchange is over, however it ended. */
  release(target: UpstreamTarget): void;
  conditions(): readonly TargetCondition[];
  readonly list: readonly UpstreamTarget[];
  /** Takes over what another configuration knows of the same addresses; new ones start slowly. */
  inherit(before: Targets): void;
  /** Begins active checks and resolving at intervals. */
  start(): void;
  stop(): void;
  /** Closes every connection. */
  close(): void;
}

/** What an API's addresses work with. */
export interface TargetsDeps {
  /** Epoch ms. */
  readonly now: () => number;
  readonly log?: (event: Record<string, unknown>) => void;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
  /** Asks where a name is. */
  readonly resolve: ResolveName;
}

const NONE_TRIED: readonly UpstreamTarget[] = [];

function conditionOf({ url, isHealthy, problem, circuit }: Target): TargetCondition {
  const base = { upstream: url, isDown: !isHealthy };
  if (!isHealthy) return { ...base, isUsed: false, problem: problem ?? 'unhealthy' };
  if (circuit.state === 'closed') return { ...base, isUsed: true };
  return { ...base, isUsed: false, problem: `${circuit.failures} failures in a row` };
}

function noteAnswer(target: Target): void {
  // Within a small integer, which costs no allocation.
  target.answers = (target.answers + 1) & 0x3fff_ffff;
}

/** What was found out about an address holds under another configuration, too. */
function takeOver(target: Target, before: Target, isChecked: boolean): void {
  Object.assign(target.circuit, before.circuit);
  target.rampFromMs = before.rampFromMs;
  if (!isChecked) return;
  target.isHealthy = before.isHealthy;
  target.problem = before.problem;
}

/**
 * Prepares an API's addresses, each with a pool of connections; nothing is opened or asked yet.
 *
 * @param config of the API
 * @param deps clock, log, and who resolves names
 * @returns the addresses
 */
export function createTargets(config: UpstreamConfig, deps: TargetsDeps): Targets {
  const { now, random = Math.random, resolve, log = () => {} } = deps;
  const { balancing, health } = config;
  const targets = config.upstreams.map((url) => createTarget(url, config, resolve));
  const only = targets.length === 1 ? targets[0] : undefined;
  /** Nothing distinguishes them but how busy they are: no clock is needed to choose. */
  let calm = true;
  let turn = 0;

  const tell = (event: string, target: Target, reason?: string): void =>
    log({ event, api: config.name, upstream: target.url, ...(reason && { reason }) });

  function startSlowly(target: Target): void {
    if (balancing.slowStartMs > 0 && only === undefined) target.rampFromMs = now();
  }
  function recovered(target: Target): void {
    Object.assign(target.circuit, createCircuit());
    startSlowly(target);
    calm = isCalm(targets);
  }
  function learn(target: Target, opinion: Opinion): void {
    target.isHealthy = opinion.isHealthy;
    target.problem = opinion.isHealthy ? undefined : opinion.problem;
    if (opinion.isHealthy) recovered(target);
    calm = isCalm(targets);
    if (opinion.isHealthy) tell('upstream_healthy', target);
    else tell('upstream_unhealthy', target, opinion.problem);
  }
  function takeCarefully(tried: readonly UpstreamTarget[]): UpstreamTarget | undefined {
    const chosen = chooseCarefully(targets, tried, balancing, { nowMs: now(), turn });
    calm = isCalm(targets);
    if (chosen !== undefined) chosen.open += 1;
    return chosen;
  }
  const checks =
    health === undefined
      ? []
      : targets.map((target) =>
          createHealthCheck({
            probe: createProbe(target, health),
            health,
            isHealthy: () => target.isHealthy,
            onWell: () => noteAnswer(target),
            onChange: (opinion) => learn(target, opinion),
            random,
          }),
        );

  return {
    take() {
      turn += 1;
      if (!calm) return takeCarefully(NONE_TRIED);
      const chosen = only ?? leastOpen(targets, turn);
      chosen.open += 1;
      return chosen;
    },
    takeOther: takeCarefully,
    answered(given) {
      const target = given as Target;
      const { circuit } = target;
      noteAnswer(target);
      if (circuit.failures === 0) return;
      if (circuit.state === 'closed') {
        circuit.failures = 0;
        return;
      }
      recovered(target);
      tell('upstream_circuit_closed', target);
    },
    failed(given, reason, isCertain) {
      const target = given as Target;
      const opened = noteFailure(target.circuit, balancing, { nowMs: now(), isCertain });
      if (opened) tell('upstream_circuit_open', target, reason);
      calm = isCalm(targets);
    },
    release(given) {
      const target = given as Target;
      target.open -= 1;
      // Neither answered nor failed, its client left: it may be tried again at once.
      if (target.circuit.state === 'trial') target.circuit.state = 'open';
    },
    conditions: () => targets.map(conditionOf),
    list: targets,
    inherit(before) {
      const known = new Map(
        (before.list as readonly Target[]).map((target) => [target.url, target]),
      );
      for (const target of targets) {
        const same = known.get(target.url);
        if (same === undefined) startSlowly(target);
        else takeOver(target, same, health !== undefined);
      }
      calm = isCalm(targets);
    },
    start() {
      for (const { resolver } of targets) resolver?.start();
      for (const check of checks) check.start();
    },
    stop() {
      for (const { resolver } of targets) resolver?.stop();
      for (const check of checks) check.stop();
    },
    close() {
      for (const { hop } of targets) hop.pool.destroy();
    },
  };
}
