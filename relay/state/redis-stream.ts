import { entryKey, readEntry, writeEntry } from './entry.ts';
import { within, type RedisSession, type RedisTiming } from './redis-connection.ts';
import type { Revocation } from './shared-state.ts';

/** Longer than any revocation is kept. */
const keptMs = 31 * 86_400_000;
const pageEntries = 1_000;
const beginning = '0-0';

/** What happens while revocations are followed. */
export interface Following {
  /** Revocations that Redis has, in order; some may be known. */
  readonly learn: (revocations: readonly Revocation[]) => void;
  /** All that Redis has is learnt; `stored` has each entry's `revokedAtMs` by its key. */
  readonly synced: (stored: ReadonlyMap<string, number>) => Promise<void>;
  /** Up to now, nothing was missed. */
  readonly fresh: () => Promise<void>;
}

interface Page {
  readonly lastId: string;
  readonly revocations: readonly Revocation[];
}

/**
 * Adds a revocation to the stream that all relays read, and drops what is too old to matter.
 *
 * @param commands a connection
 * @param prefix of every key
 * @param revocation what was revoked
 * @param nowMs epoch ms
 */
export async function appendRevocation(
  commands: RedisSession['commands'],
  prefix: string,
  revocation: Revocation,
  nowMs: number,
): Promise<void> {
  await commands.xAdd(
    `${prefix}revocations`,
    '*',
    { entry: writeEntry(revocation) },
    { TRIM: { strategy: 'MINID', strategyModifier: '~', threshold: nowMs - keptMs } },
  );
}

/** Entries that are none are passed over: whoever writes here could as well delete. */
async function readPage(
  { reader }: RedisSession,
  prefix: string,
  after: string,
  wait: { readonly blockMs?: number; readonly timeoutMs: number },
): Promise<Page> {
  const answer = reader.xRead(
    { key: `${prefix}revocations`, id: after },
    { COUNT: pageEntries, ...(wait.blockMs === undefined ? {} : { BLOCK: wait.blockMs }) },
  );
  const streams = (await within(answer, wait.timeoutMs)) as
    readonly { messages: readonly { id: string; message: { entry?: string } }[] }[] | null;
  const messages = streams?.[0]?.messages ?? [];
  return {
    lastId: messages.at(-1)?.id ?? after,
    revocations: messages.flatMap(({ message }) => readEntry(message.entry ?? '') ?? []),
  };
}

/**
 * Reads the whole stream of revocations, then follows it for as long as the session lives.
 *
 * @param session its connections
 * @param prefix of every key
 * @param timing how long to wait
 * @param following told of what is read
 * @throws {Error} when the session is of no use any more
 */
export async function followRevocations(
  session: RedisSession,
  prefix: string,
  timing: RedisTiming,
  following: Following,
): Promise<void> {
  const stored = new Map<string, number>();
  let lastId = beginning;
  for (;;) {
    const page = await readPage(session, prefix, lastId, { timeoutMs: timing.commandMs });
    if (page.lastId === lastId) break;
    following.learn(page.revocations);
    for (const revocation of page.revocations) {
      const key = entryKey(revocation);
      stored.set(key, Math.max(stored.get(key) ?? 0, revocation.revokedAtMs));
    }
    lastId = page.lastId;
  }
  await following.fresh();
  await following.synced(stored);
  const wait = { blockMs: timing.blockMs, timeoutMs: timing.blockMs + timing.commandMs };
  for (;;) {
    const page = await readPage(session, prefix, lastId, wait);
    lastId = page.lastId;
    following.learn(page.revocations);
    // The other connection may have died without a word.
    await within(session.commands.ping(), timing.commandMs);
    await following.fresh();
  }
}
