import { setTimeout as sleep } from 'node:timers/promises';
import { Listed } from '../../../../wire/listed.ts';
import type { Cuttable, Registration } from '../../../../wire/forward-plan.ts';

/** One request of a tool, from its arrival to its closed record. */
export interface RunningCall {
  /** Ends when the tool leaves, or when it is cut off: nothing is worth a wait then. */
  readonly gone: AbortSignal;
  /** Why nothing more reaches the tool, once that is so. */
  leaver(): 'client' | 'drain';
  /** The tool has closed its connection. */
  left(): void;
  /** Hears of each exchange with the relay; what is given back is to be called at its end. */
  register(exchange: Cuttable): Registration;
  /** Its record is closed, or it was refused and has none. */
  ended(): void;
}

/** What runs at the local port, so that it can be waited for, and ended. */
export interface UnderWay {
  begin(): RunningCall;
  /** Ends all that runs; tells whether something did. */
  cut(): boolean;
  /** Waits until nothing runs. */
  settled(timeoutMs: number): Promise<void>;
}

/** Made once: by itself each abort would make an error, with a stack, for nobody. */
const LEFT = new Error('the tool has left');
const CUT = new Error('Latchkey ends');
const LOOK_MS = 5;

/** A class, where most of this code has functions: one is made for each request, and its methods are not. */
class Running extends Listed implements RunningCall, Registration {
  private readonly abort = new AbortController();
  private exchange: Cuttable | undefined = undefined;
  private isCut = false;

  get gone(): AbortSignal {
    return this.abort.signal;
  }

  leaver(): 'client' | 'drain' {
    return this.isCut ? 'drain' : 'client';
  }

  left(): void {
    this.abort.abort(LEFT);
  }

  register(exchange: Cuttable): Registration {
    this.exchange = exchange;
    return this;
  }

  end(): void {
    this.exchange = undefined;
  }

  cut(): void {
    this.isCut = true;
    this.abort.abort(CUT);
    this.exchange?.cut('drain');
  }

  ended(): void {
    this.leave();
  }
}

/**
 * Keeps what runs at the local port.
 *
 * @returns the list, empty
 */
export function createUnderWay(): UnderWay {
  const list: Running[] = [];
  return {
    begin: () => new Running(list),
    cut() {
      const running = list.slice();
      running.forEach((call) => call.cut());
      return running.length > 0;
    },
    async settled(timeoutMs) {
      const endMs = performance.now() + timeoutMs;
      while (list.length > 0 && performance.now() < endMs) await sleep(LOOK_MS);
    },
  };
}
