import { randomBytes } from 'node:crypto';
import { RelayError } from '../errors.ts';
import { createRedisAllowances } from './redis-allowances.ts';
import { createDenylist } from './denylist.ts';
import { entryKey } from './entry.ts';
import { createListeners } from './listeners.ts';
import { denylistFull, notKept } from './memory.ts';
import { followRevocations, appendRevocation } from './redis-stream.ts';
import { keepSession, within, type RedisSession, type RedisTiming } from './redis-connection.ts';
import type { Revocation, SharedState } from './shared-state.ts';

/** What the shared state may log; no event carries a password or a token. */
export type StateEvent =
  | { readonly event: 'state_ready'; readonly revocations: number }
  | { readonly event: 'state_problem'; readonly problem: string };

/** How relays find each other. */
export interface RedisOptions {
  /** redis: or rediss:, with the password in it. */
  readonly url: string;
  readonly now: () => number;
  readonly log: (event: StateEvent) => void;
  /** How long to wait for Redis at the start; default 10 s. */
  readonly startMs?: number;
  /** How long known revocations serve when Redis cannot be reached; default 5 min. */
  readonly maxStaleMs?: number;
  readonly timing?: Partial<RedisTiming>;
}

const defaults: RedisTiming = {
  commandMs: 1_000,
  blockMs: 1_000,
  retryMinMs: 50,
  retryMaxMs: 2_000,
};
const prefix = 'latchkey:';
/** News that are older than this may be missing some. */
const freshMs = 5_000;
const tidyMs = 60_000;

function unreachable(cause?: unknown): RelayError {
  return new RelayError(
    'state_unavailable',
    'What the relays share cannot be reached, so a repeated request cannot be told from a new one. Try again shortly.',
    cause === undefined ? {} : { cause },
  );
}

async function sharedSecret(
  session: RedisSession,
  name: string,
  timeoutMs: number,
): Promise<Buffer> {
  const key = `${prefix}secret:${name}`;
  const { commands } = session;
  const made = randomBytes(32).toString('base64url');
  await within(commands.set(key, made, { condition: 'NX' }), timeoutMs);
  const secret = Buffer.from(String(await within(commands.get(key), timeoutMs)), 'base64url');
  if (secret.length !== 32)
    throw new Error(
      `the Redis key ${key} does not hold 32 bytes: delete it, and a new one is made`,
    );
  return secret;
}

/**
 * Shares state with other relays through Redis (6.2 or later). Revocations are a stream, which every
 * relay reads whole when it connects and then follows, so that asking for them is local.
 *
 * @param options where Redis is
 * @returns the state, once it is known what was revoked
 * @throws {Error} Redis cannot be reached, or is no Redis that this can use
 */
export async function connectRedisState(options: RedisOptions): Promise<SharedState> {
  const { url, now, log, startMs = 10_000, maxStaleMs = 300_000 } = options;
  const timing = { ...defaults, ...options.timing };
  const denylist = createDenylist();
  const listeners = createListeners();
  /** In force here, but Redis did not say that it has them. */
  const unsent = new Map<string, Revocation>();
  let session: RedisSession | undefined;
  let syncedAtMs = Number.NEGATIVE_INFINITY;
  let problem: string | undefined = 'not connected yet';
  let overflow = false;

  function learn(revocations: readonly Revocation[]): void {
    let news = false;
    for (const revocation of revocations) {
      if (revocation.expiresAtMs <= now()) continue;
      const outcome = denylist.add(revocation);
      if (outcome === 'added') news = true;
      if (outcome === 'full') overflow = true;
    }
    if (news) listeners.call();
  }

  /** Also what Redis lost in a restart or fail-over: this relay knows it still. */
  async function send(entries: Iterable<Revocation>): Promise<void> {
    for (const entry of entries) {
      if (session === undefined) throw unreachable();
      await within(appendRevocation(session.commands, prefix, entry, now()), timing.commandMs);
      const key = entryKey(entry);
      if (unsent.get(key) === entry) unsent.delete(key);
    }
  }

  async function synced(stored: ReadonlyMap<string, number>): Promise<void> {
    const isLost = (entry: Revocation): boolean =>
      (stored.get(entryKey(entry)) ?? -1) < entry.revokedAtMs;
    await send(denylist.list().filter(isLost));
    problem = undefined;
    log({ event: 'state_ready', revocations: denylist.size() });
    started();
  }

  let started = (): void => {};
  const firstSync = new Promise<void>((resolve) => {
    started = resolve;
  });

  const stop = keepSession(
    url,
    timing,
    async (opened) => {
      session = opened;
      await followRevocations(opened, prefix, timing, {
        learn,
        synced,
        async fresh() {
          await send([...unsent.values()]);
          syncedAtMs = now();
        },
      }).finally(() => {
        session = undefined;
      });
    },
    (why) => {
      if (problem !== why) log({ event: 'state_problem', problem: why });
      problem = why;
    },
  );
  const timer = setInterval(() => denylist.forget(now()), tidyMs);
  timer.unref();
  const close = async (): Promise<void> => {
    clearInterval(timer);
    await stop();
  };
  await within(firstSync, startMs).catch(async () => {
    await close();
    const { protocol, host } = new URL(url);
    throw new Error(`the shared state at ${protocol}//${host} cannot be reached: ${problem}`);
  });

  return {
    async once(key, expiresAtMs) {
      if (session === undefined) throw unreachable();
      const lifeMs = Math.max(1_000, Math.ceil(expiresAtMs - now()));
      const set = session.commands.set(`${prefix}once:${key}`, '1', {
        condition: 'NX',
        expiration: { type: 'PX', value: lifeMs },
      });
      try {
        return (await within(set, timing.commandMs)) === 'OK';
      } catch (error) {
        throw unreachable(error);
      }
    },
    take: createRedisAllowances(() => session, prefix, timing.commandMs, now),
    async revoke(revocation) {
      const key = entryKey(revocation);
      const outcome = denylist.add(revocation);
      if (outcome === 'full') throw denylistFull();
      if (outcome === 'known' && !unsent.has(key)) return;
      if (outcome === 'added') {
        unsent.set(key, revocation);
        listeners.call();
      }
      try {
        await send([unsent.get(key) ?? revocation]);
      } catch (error) {
        throw notKept(error);
      }
    },
    isRevoked(token) {
      if (now() - syncedAtMs <= maxStaleMs) return denylist.isRevoked(token);
      throw new RelayError(
        'state_unavailable',
        'What the relays share cannot be reached, so it is not known which tokens were revoked. Your token may be fine: try again shortly.',
      );
    },
    revocations: denylist.list,
    onRevoked: listeners.add,
    async secret(name) {
      if (session === undefined) throw unreachable();
      return await sharedSecret(session, name, timing.commandMs);
    },
    health() {
      if (overflow) return { ok: false, problem: 'more revocations than a relay can hold' };
      const isFresh = now() - syncedAtMs <= freshMs;
      if (session !== undefined && problem === undefined && isFresh) return { ok: true };
      return { ok: false, problem: `Redis: ${problem ?? 'no news'}` };
    },
    close,
  };
}
