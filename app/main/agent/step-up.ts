import type { SignInChallenge } from './login/challenge.ts';
import type { StepUpDemand } from './proxy/proxy-deps.ts';
import { isWithin } from './is-within.ts';

/** Decides what a request does that needs a stronger or fresher sign-in. */
export interface StepUps {
  /**
   * Asks the person, at most once at a time, and waits for the answer.
   *
   * @param demand what is needed, for which API, and since when
   * @param signal the request's own end
   * @returns true when another token is worth a try
   */
  ask(demand: StepUpDemand, signal: AbortSignal): Promise<boolean>;
  /** What was asked for last and nobody has answered; a sign-in by hand asks for this. */
  pending(): SignInChallenge | undefined;
  /** An attempt has ended; `challenge` is absent for a plain sign-in, `error` for a success. */
  ended(challenge: SignInChallenge | undefined, error: unknown): void;
}

/** What {@link createStepUps} works with. */
export interface StepUpsDeps {
  /** Starts an attempt; told of its end by {@link StepUps.ended}. */
  readonly start: (challenge: SignInChallenge) => Promise<unknown>;
  readonly isRunning: () => boolean;
  /** Whether requests may open a browser tab at all. */
  readonly auto: boolean;
  readonly waitMs: number;
  readonly now: () => number;
  /** Tells the person; `opened` when a browser tab asks as well. */
  readonly notify: (demand: StepUpDemand, opened: boolean) => void;
}

/** After an attempt that failed nothing is asked for so long. */
const COOL_DOWN_MS = 60_000;
/** The same is asked for again no sooner than this, even where the relay wants it fresher. */
const SHORTEST_PAUSE_MS = 15_000;
/** Tabs that requests may open in the time below: more is no person's work. */
const MOST_TABS = 5;
const TABS_WITHIN_MS = 600_000;
const PENDING_MS = 600_000;

interface Done {
  readonly challenge: SignInChallenge;
  readonly atMs: number;
}

/**
 * Makes the keeper of step-ups. A relay that asks at every request gets one tab, not a hundred: equal
 * demands share an attempt, others queue behind it, and what was just answered or refused is not asked again.
 *
 * @param deps how to sign in, and the limits
 * @returns the keeper, idle
 * @see RFC 9470 §4, §6.2
 */
export function createStepUps(deps: StepUpsDeps): StepUps {
  const { now } = deps;
  const waiting = new Set<() => void>();
  let done: Done[] = [];
  let tabsAtMs: number[] = [];
  let failedAtMs = -Infinity;
  let failures = 0;
  let asked: Done | undefined;
  let toldAtMs = -Infinity;

  const nextEnd = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const stop = (): void => {
        waiting.delete(stop);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      waiting.add(stop);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });

  const isRecent = ({ atMs }: Done): boolean => isWithin(now(), atMs, TABS_WITHIN_MS);

  /** The person has just done this, for another request. */
  const isAnswered = ({ challenge, sentAtMs }: StepUpDemand): boolean =>
    done.some(
      (other) => isRecent(other) && other.atMs >= sentAtMs && covers(other.challenge, challenge),
    );

  /** The person has just done this, and the relay is still not content. */
  const isInVain = ({ challenge }: StepUpDemand): boolean =>
    done.some(
      (other) =>
        isWithin(now(), other.atMs, pauseMs(challenge)) && covers(other.challenge, challenge),
    );

  function mayOpen(): boolean {
    tabsAtMs = tabsAtMs.filter((atMs) => isWithin(now(), atMs, TABS_WITHIN_MS));
    return deps.auto && tabsAtMs.length < MOST_TABS;
  }

  function tell(demand: StepUpDemand, opened: boolean): void {
    asked = { challenge: demand.challenge, atMs: now() };
    if (!opened && isWithin(now(), toldAtMs, COOL_DOWN_MS)) return;
    toldAtMs = now();
    deps.notify(demand, opened);
  }

  /** Starts an attempt if none runs; tells whether one may end in this request's favour. */
  function begin(demand: StepUpDemand): boolean {
    if (deps.isRunning()) return true;
    if (isWithin(now(), failedAtMs, COOL_DOWN_MS) || isInVain(demand)) return false;
    const opened = mayOpen();
    tell(demand, opened);
    if (!opened) return true;
    tabsAtMs.push(now());
    // Its end is told by `ended`.
    deps.start(demand.challenge).catch(() => undefined);
    return true;
  }

  /** A running attempt that asks for something else is waited for first. */
  async function satisfy(demand: StepUpDemand, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (isAnswered(demand)) return true;
      const before = failures;
      if (!begin(demand)) return false;
      await nextEnd(signal);
      if (failures !== before) return false;
    }
    return false;
  }

  return {
    async ask(demand, signal) {
      const end = new AbortController();
      const leave = (): void => end.abort();
      const timer = setTimeout(leave, deps.waitMs);
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      try {
        return await satisfy(demand, end.signal);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      }
    },
    pending: () => (asked && isWithin(now(), asked.atMs, PENDING_MS) ? asked.challenge : undefined),
    ended(challenge, error) {
      if (error !== undefined) {
        failures += 1;
        failedAtMs = now();
      } else {
        done = done.filter(isRecent);
        if (challenge) done.push({ challenge, atMs: now() });
        if (challenge === undefined || (asked && covers(challenge, asked.challenge))) {
          asked = undefined;
        }
        if (challenge === undefined) failedAtMs = -Infinity;
      }
      [...waiting].forEach((wake) => wake());
    },
  };
}

/** Whoever has done `a` has done `b` as well. */
function covers(a: SignInChallenge, b: SignInChallenge): boolean {
  const isStrong =
    b.acrValues.length === 0 ||
    (a.acrValues.length > 0 && a.acrValues.every((acr) => b.acrValues.includes(acr)));
  const isFresh =
    b.maxAgeSeconds === undefined ||
    (a.maxAgeSeconds !== undefined && a.maxAgeSeconds <= b.maxAgeSeconds);
  return isStrong && isFresh;
}

function pauseMs({ maxAgeSeconds }: SignInChallenge): number {
  if (maxAgeSeconds === undefined) return COOL_DOWN_MS;
  return Math.min(COOL_DOWN_MS, Math.max(SHORTEST_PAUSE_MS, maxAgeSeconds * 1000));
}
