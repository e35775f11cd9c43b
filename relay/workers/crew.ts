import { setTimeout as sleep } from 'node:timers/promises';
import { inTime } from './in-time.ts';
import type { Member } from './member.ts';
import type { Rota } from './rota.ts';

/** The workers: as many as were asked for, whatever happens to one of them. */
export interface Crew {
  /**
   * Starts all.
   *
   * @throws the first one's failure; then none is left
   */
  start(): Promise<void>;
  /** Those that serve. */
  serving(): readonly Member[];
  /** Also those that begin or go. */
  all(): readonly Member[];
  /** How many have died. */
  died(): number;
  /** Puts a new one in each place, ready before the old one goes. */
  replace(): Promise<void>;
  /** Lets all finish what they have, for a bounded time. */
  leave(): Promise<void>;
}

/** What a crew needs. */
export interface CrewDeps {
  readonly size: number;
  /** Starts a process. */
  readonly hire: (place: number) => Member;
  /** Gives it what it serves by; resolves when it is ready. */
  readonly begin: (member: Member) => Promise<void>;
  readonly rota: Rota<Member>;
  /** Told of each one that is gone. */
  readonly gone: (member: Member) => void;
  /** How long one may take to finish what it has, ms. */
  readonly leaveMs: () => number;
  readonly log: (event: Record<string, unknown>) => void;
}

const BEGIN_MS = 30_000;
/** One that dies as soon as it begins is not started again at once. */
const RETRY_MS = { first: 100, most: 5_000 };

/**
 * Makes a crew.
 *
 * @param deps how members are made and given work
 * @returns the crew, without members
 */
export function createCrew(deps: CrewDeps): Crew {
  const { size, rota, log } = deps;
  let died = 0;
  const members = new Set<Member>();
  const serving = new Set<Member>();
  let isLeaving = false;
  let replacing: Promise<void> | undefined;

  const crewStays = (): boolean => !isLeaving;

  /** One that begins may die before it is ready: then nothing would ever come of it. */
  async function fill(place: number): Promise<Member> {
    const member = deps.hire(place);
    members.add(member);
    const gone = member.gone.then(() => {
      members.delete(member);
      throw new Error(`worker ${place} ended before it was ready`);
    });
    try {
      await inTime(
        Promise.race([deps.begin(member), gone]),
        BEGIN_MS,
        `the start of worker ${place}`,
      );
    } catch (error) {
      member.kill();
      throw error;
    } finally {
      gone.catch(() => {});
    }
    if (isLeaving) member.leave(false);
    else admit(member);
    return member;
  }

  function admit(member: Member): void {
    serving.add(member);
    rota.join(member);
    log({ event: 'worker_ready', worker: member.place, pid: member.pid });
    void member.gone.then(() => lost(member));
  }

  function lost(member: Member): void {
    deps.gone(member);
    if (!serving.delete(member) || isLeaving) return;
    died += 1;
    log({ event: 'worker_died', worker: member.place, pid: member.pid });
    void refill(member.place);
  }

  async function refill(place: number): Promise<void> {
    let delayMs = RETRY_MS.first;
    while (crewStays())
      try {
        await fill(place);
        return;
      } catch (error) {
        log({ event: 'worker_failed', worker: place, problem: (error as Error).message });
        await sleep(delayMs);
        delayMs = Math.min(RETRY_MS.most, delayMs * 2);
      }
  }

  async function dismiss(member: Member, isReplaced: boolean): Promise<void> {
    serving.delete(member);
    rota.leave(member);
    member.leave(isReplaced);
    await inTime(member.gone, deps.leaveMs(), 'leaving').catch(() => member.kill());
    await member.gone;
  }

  async function replaceAll(): Promise<void> {
    const leaving: Promise<void>[] = [];
    for (const before of Array.from(serving)) {
      if (isLeaving || !serving.has(before)) continue;
      try {
        await fill(before.place);
      } catch (error) {
        // What runs is good: better it goes on than that its places stay empty.
        log({ event: 'replace_failed', worker: before.place, problem: (error as Error).message });
        break;
      }
      leaving.push(dismiss(before, true));
    }
    await Promise.all(leaving);
    log({ event: 'workers_replaced', workers: leaving.length });
  }

  return {
    async start() {
      const places = Array.from({ length: size }, (_, at) => at + 1);
      const filled = await Promise.allSettled(places.map(fill));
      const failed = filled.find((result) => result.status === 'rejected');
      if (failed === undefined) return;
      isLeaving = true;
      for (const member of members) member.kill();
      await Promise.all([...members].map((member) => member.gone));
      throw failed.reason as Error;
    },
    serving: () => [...serving],
    all: () => [...members],
    died: () => died,
    async replace() {
      replacing ??= replaceAll().finally(() => {
        replacing = undefined;
      });
      await replacing;
    },
    async leave() {
      isLeaving = true;
      await Promise.all([...members].map((member) => dismiss(member, false)));
    },
  };
}
