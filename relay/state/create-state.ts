import { join } from 'node:path';
import type { RelayConfig } from '../config/config.ts';
import { openJournal } from './journal.ts';
import { createMemoryState } from './memory.ts';
import type { StateEvent } from './redis.ts';
import type { SharedState } from './shared-state.ts';

/**
 * Makes the state that the configuration asks for.
 *
 * @param config where state is kept
 * @param deps `dir` keeps a lone relay's revocations; it must exist, and no other relay may use it
 * @returns the state
 * @throws {Error} the file of revocations is damaged, or Redis cannot be reached
 */
export async function createState(
  config: RelayConfig['state'],
  deps: {
    readonly dir: string;
    readonly now: () => number;
    readonly log: (event: StateEvent) => void;
  },
): Promise<SharedState> {
  if (config.kind === 'redis') {
    // A relay without Redis need not carry its client: 20 MiB.
    const { connectRedisState } = await import('./redis.ts');
    return await connectRedisState({ url: config.url, now: deps.now, log: deps.log });
  }
  const journal = await openJournal(join(deps.dir, 'revocations.jsonl'), deps.now());
  return createMemoryState(deps.now, journal);
}
