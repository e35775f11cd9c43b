import type { DeadLetters } from './dead-letters.ts';
import type { Delivery, Item, Sink } from './sink.ts';
import type { Telling } from './telling.ts';

type Failed = Extract<Delivery, { kind: 'failed' }>;

/**
 * Delivers items in order; resolves to undefined when each is delivered or a dead letter, and to the failure
 * otherwise.
 *
 * @param settled hears of the last item of each part that needs no further delivery
 */
type Delivering = (
  items: readonly Item[],
  settled: (last: Item) => Promise<void>,
) => Promise<Failed | undefined>;

/** A sink that refuses so many in a row refuses everything: that is no poison, and what comes is kept back. */
const MOST_DEAD_IN_A_ROW = 20;

/**
 * Makes what delivers a batch, and finds in one that is refused for good the records that are to blame.
 *
 * @param deps the sink, where to put what it refuses, `signal` gives up
 * @returns the function
 */
export function createDelivering(deps: {
  readonly sink: Pick<Sink, 'deliver'>;
  readonly deadLetters: DeadLetters;
  readonly signal: AbortSignal;
  readonly telling: Pick<Telling, 'died'>;
}): Delivering {
  const { sink, deadLetters, signal, telling } = deps;
  let deadInARow = 0;

  async function bury(item: Item, problem: string): Promise<Failed | undefined> {
    if (deadInARow >= MOST_DEAD_IN_A_ROW)
      return {
        kind: 'failed',
        reason: 'rejected',
        problem: `${problem}; the last ${deadInARow} records were refused, so the rest is kept back`,
      };
    try {
      await deadLetters.add(item, problem);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', reason: 'dead_letter', problem: reason };
    }
    deadInARow += 1;
    telling.died(item.record.seq, problem);
    return undefined;
  }

  async function deliver(
    items: readonly Item[],
    settled: (last: Item) => Promise<void>,
  ): Promise<Failed | undefined> {
    const last = items.at(-1);
    if (last === undefined) return undefined;
    const delivery = await sink.deliver(items, signal);
    if (delivery.kind === 'failed') return delivery;
    if (delivery.kind === 'rejected' && items.length > 1) {
      const middle = Math.ceil(items.length / 2);
      const failure = await deliver(items.slice(0, middle), settled);
      return failure ?? (await deliver(items.slice(middle), settled));
    }
    if (delivery.kind === 'accepted') deadInARow = 0;
    const failure = delivery.kind === 'rejected' ? await bury(last, delivery.problem) : undefined;
    if (failure === undefined) await settled(last);
    return failure;
  }
  return deliver;
}
