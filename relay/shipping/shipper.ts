import { setTimeout as sleep } from 'node:timers/promises';
import { createFollower } from '../../audit/follow.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import { createBackoff } from './backoff.ts';
import { type Batch, createBatches } from './batches.ts';
import { createSink } from './create-sink.ts';
import { createCursor, type Progress } from './cursor.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createDelivering } from './delivering.ts';
import { findStart } from './start-position.ts';
import type { FailureReason } from './sink.ts';
import { createTelling, type SinkState } from './telling.ts';

/** Ships to one sink. */
export interface Shipper {
  /** There may be new records. */
  wake(): void;
  state(): SinkState;
  /** Gives what is under way a moment, then gives up; what was not delivered comes again. */
  close(): Promise<void>;
}

/** What shippers work with. */
export interface ShipperDeps {
  /** The ledger's directory. */
  readonly dir: string;
  readonly version: string;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

const CLOSING_MS = 2_000;

/** What has its own reason, for the metric. */
class ShippingError extends Error {
  readonly reason: FailureReason;
  constructor(reason: FailureReason, error: unknown) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
    this.reason = reason;
  }
}

async function within<T>(reason: FailureReason, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new ShippingError(reason, error);
  }
}

/**
 * Ships the ledger to one sink: in order, at least once, from where its cursor stands. The ledger is the
 * buffer, so that a sink that is down or slow costs neither memory nor records.
 *
 * @param config of the sink
 * @param deps where the ledger is
 * @returns the shipper, at work
 */
export function createShipper(config: SinkConfig, deps: ShipperDeps): Shipper {
  const { dir, now, random } = deps;
  const follower = createFollower(dir);
  const cursor = createCursor(dir, config.name);
  const batches = createBatches(config, follower, deps.version);
  const sink = createSink(config, { ...deps, head: batches.head });
  const telling = createTelling(config.name, deps);
  const backoff = createBackoff(random);
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const deliver = createDelivering({
    sink,
    deadLetters: createDeadLetters(dir, config.name, now),
    signal: givingUp.signal,
    refusedInARow: () => at?.refusedInARow ?? 0,
    telling,
  });
  let at: Progress | undefined;
  let pending: Batch | undefined;
  let isAwake = true;
  let wakeUp = (): void => {};

  /** Until there may be something new, and it has had time to gather company. */
  async function company(): Promise<void> {
    if (!isAwake && !stopping.signal.aborted)
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
    await pause(config.batch.delayMs);
    isAwake = false;
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
  }

  /** Durable before what follows is delivered, so that nothing is left out. */
  async function reach(progress: Progress): Promise<void> {
    await within('cursor', () => cursor.write(progress));
    at = progress;
    telling.reached(progress);
  }

  async function start(): Promise<Progress> {
    const found = await within('cursor', () => findStart(config, { cursor, follower, telling }));
    telling.reached(found);
    return found;
  }

  async function finish(batch: Batch, from: Progress): Promise<void> {
    let left = batch.items;
    let last = from;
    const failure = await deliver(left, async ({ record: { seq, hash } }, refusedInARow) => {
      left = left.filter(({ record }) => record.seq > seq);
      // Kept as it is written: an outcome's request is not found a second time.
      pending = { ...batch, items: left };
      const isTaken = refusedInARow === 0;
      const lastSuccessMs = isTaken ? now() : last.lastSuccessMs;
      last = { seq, hash, refusedInARow, lastSuccessMs };
      await reach(last);
      if (isTaken) telling.took();
    });
    if (failure !== undefined) {
      telling.failed(failure.reason, failure.problem);
      await pause(backoff.next(failure.retryAfterMs));
      return;
    }
    if (last.seq !== batch.end.seq) await reach({ ...last, ...batch.end });
    pending = undefined;
    backoff.reset();
    if (!batch.isFull) await company();
  }

  async function step(): Promise<void> {
    const from = (at ??= await start());
    pending ??= await within('ledger', () => batches.next(from));
    if (pending === undefined) {
      await company();
      return;
    }
    telling.gaps(pending.gaps);
    await finish(pending, from);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await step();
      } catch (error) {
        const reason = error instanceof ShippingError ? error.reason : 'ledger';
        telling.failed(reason, error instanceof Error ? error.message : String(error));
        await pause(backoff.next(undefined));
      }
    }
  }

  const running = run();
  return {
    wake() {
      isAwake = true;
      wakeUp();
    },
    state: telling.state,
    async close() {
      stopping.abort();
      wakeUp();
      const late = setTimeout(() => givingUp.abort(), CLOSING_MS);
      await running;
      clearTimeout(late);
      await sink.close();
    },
  };
}
