import type { Socket } from 'node:net';
import type { Common } from '../serving.ts';
import type { Calls } from './calls.ts';
import type { KeyDesk } from './key-desk.ts';
import { createLedgerDesk, type UsedIds } from './ledger-desk.ts';
import type { WorkerProcedures } from './procedures.ts';
import type { Rota } from './rota.ts';
import { spawnWorker } from './worker-process.ts';
import type { Edition } from './worker.ts';

/** One worker of the crew. */
export interface Member {
  /** Its place in the crew, from 1; whoever comes in its stead has the same. */
  readonly place: number;
  readonly pid: number;
  readonly calls: Calls<WorkerProcedures>;
  /** Resolves when it is gone, and what it left open is recorded. */
  readonly gone: Promise<void>;
  /** What it was last asked to prepare. */
  prepared: Edition | undefined;
  /** What it serves under. */
  edition: Edition | undefined;
  /** What it has counted, as far as is known. */
  counted: string;
  give(connection: number, socket: Socket): void;
  announce(): void;
  leave(isReplaced: boolean): void;
  kill(): void;
}

/** What members share. */
export interface MemberDeps extends Pick<Common, 'ledger' | 'refusals' | 'state' | 'log'> {
  readonly ids: UsedIds;
  readonly keys: KeyDesk;
  readonly rota: Rota<Member>;
}

/**
 * Starts a process for a place in the crew; it does not serve yet.
 *
 * @param place from 1
 * @param deps what the primary does for it
 * @returns the member
 */
export function createMember(place: number, deps: MemberDeps): Member {
  const { ledger, refusals, state, keys, rota } = deps;
  const desk = createLedgerDesk(ledger, deps.ids);
  const learn = (name: string, news: Parameters<WorkerProcedures['keys']>[1]): void =>
    calls.tell('keys', name, news);
  const { calls, gone, taken, takeBack, ...worker } = spawnWorker({
    admit: desk.admit,
    note: desk.note,
    finish: desk.finish,
    interrupt: desk.interrupt,
    append: desk.append,
    refused: refusals.record,
    once: state.once,
    take: async (key, allowance) => await state.take(key, allowance),
    revoke: state.revoke,
    secret: async (name) => (await state.secret(name)).toString('base64'),
    wantKeys: (source) => keys.want(source, learn),
    leaveKeys: (source) => keys.leave(source, learn),
    usableKeys: keys.usable,
    refetchKeys: keys.refetch,
    log: (event) => deps.log({ ...event, worker: place }),
    taken: (connections) => taken(connections),
    closed: rota.closed,
    parting(metrics) {
      member.counted = metrics;
    },
  });
  const member: Member = {
    ...worker,
    place,
    calls,
    prepared: undefined,
    edition: undefined,
    counted: '',
    gone: gone.then(() => {
      desk.left();
      keys.leaveAll(learn);
      rota.forget(member);
      for (const socket of takeBack()) rota.take(socket);
    }),
  };
  return member;
}
