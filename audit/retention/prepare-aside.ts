import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Prepared, PrepareOrder } from './prepare.ts';

interface Reply {
  readonly prepared?: Prepared | 'in-use';
  readonly error?: string;
}

/**
 * Prepares a segment on a thread of its own, for a process with much else to do.
 *
 * @param order as for `prepareSegment`
 * @returns as `prepareSegment`
 * @throws what went wrong, by its message
 */
export async function prepareAside(order: PrepareOrder): Promise<Prepared | 'in-use' | undefined> {
  const thread = new Worker(new URL('./prepare-thread.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
  thread.unref();
  try {
    const reply = once(thread, 'message');
    thread.postMessage(order);
    const [{ prepared, error }] = (await reply) as [Reply];
    if (error !== undefined) throw new Error(error);
    return prepared;
  } finally {
    await thread.terminate();
  }
}
