/** Who must not wait for ever. */
export interface Waiter {
  /** @param what was waited for in vain */
  expire(what: string): void;
}

/** One moment that a wait must not last beyond; it is put off far more often than it comes. */
export interface Alarm {
  /**
   * Ends the wait after this time, unless it is set anew or cleared before.
   *
   * @param ms from now
   * @param waiter told once, from the event loop
   * @param what for its message
   */
  set(ms: number, waiter: Waiter, what: string): void;
  /** Gives what is waited for the whole of its time again; nothing when nothing is set. */
  postpone(): void;
  clear(): void;
  /** Clears it for good, and lets go of its timer. */
  close(): void;
}

/**
 * Makes an alarm that is cheap to set and to clear: its timer runs on, and looks when it ends whether there is
 * still something to wait for. A timer for each wait would cost a proxy some microseconds a request.
 *
 * @param now a clock that only goes forward, ms
 * @returns an alarm that is not set
 */
export function createAlarm(now: () => number = () => performance.now()): Alarm {
  let dueMs = Infinity;
  let lastsMs = 0;
  let waiter: Waiter | undefined;
  let what = '';
  let timer: NodeJS.Timeout | undefined;
  let looksMs = Infinity;

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    looksMs = Infinity;
  }
  function start(ms: number): void {
    stop();
    looksMs = now() + ms;
    timer = setTimeout(look, ms);
  }
  function clear(): void {
    dueMs = Infinity;
    waiter = undefined;
  }
  function look(): void {
    stop();
    if (dueMs === Infinity) return;
    const leftMs = dueMs - now();
    if (leftMs > 0) {
      start(Math.ceil(leftMs));
      return;
    }
    const late = waiter;
    clear();
    late?.expire(what);
  }

  return {
    set(ms, whose, forWhat) {
      waiter = whose;
      what = forWhat;
      lastsMs = ms;
      dueMs = now() + ms;
      if (dueMs < looksMs) start(ms);
    },
    postpone() {
      if (waiter !== undefined) dueMs = now() + lastsMs;
    },
    clear,
    close() {
      clear();
      stop();
    },
  };
}
