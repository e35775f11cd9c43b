import type { Follower } from '../../audit/follow.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { Cursor, Progress } from './cursor.ts';
import type { Telling } from './telling.ts';

const BEGINNING = { seq: 0, hash: '' };

/**
 * Finds where a sink begins: at its cursor, or where the configuration says when it has none.
 *
 * @param config of the sink
 * @param deps its cursor, the ledger, and who hears when that is another than before
 * @returns how far it is
 * @throws {Error} the cursor cannot be read or written
 */
export async function findStart(
  { from }: Pick<SinkConfig, 'from'>,
  deps: {
    readonly cursor: Cursor;
    readonly follower: Pick<Follower, 'head' | 'hashAt'>;
    readonly telling: Pick<Telling, 'replaced'>;
  },
): Promise<Progress> {
  const { cursor, follower, telling } = deps;
  const kept = await cursor.read();
  if (kept !== undefined) {
    const isOurs = kept.seq === 0 || follower.hashAt(kept.seq) === kept.hash;
    if (!isOurs) telling.replaced(kept.seq);
    return isOurs ? kept : { ...kept, ...BEGINNING };
  }
  const seq = from === 'now' ? follower.head() : 0;
  const hash = (seq > 0 ? follower.hashAt(seq) : undefined) ?? '';
  const at = { seq, hash, refusedInARow: 0, lastSuccessMs: undefined };
  // At once: a restart before the first delivery must not begin later than this one.
  await cursor.write(at);
  return at;
}
