import { Worker } from 'node:worker_threads';
import type { SinkConfig } from '../config/sink-config.ts';
import type { FromThread, ThreadBeginning, ToThread } from './messages.ts';
import type { SinkState } from './telling.ts';

/** Ships the audit, on a thread of its own. */
export interface OpenShipping {
  /** Ships to these from now on. */
  use(sinks: readonly SinkConfig[]): void;
  /** How each sink was half a second ago. */
  states(): readonly SinkState[];
  /** Resolves when what was under way is delivered, or was given its time. */
  close(): Promise<void>;
}

const LOOK_MS = 200;
const AGAIN_MS = 1_000;
/** Beyond what shippers take to close. */
const CLOSING_MS = 4_000;

/**
 * Prepares shipping; its thread is started with the first sink, and started anew when it ends by itself.
 * Reading, writing and sending cost requests nothing there.
 *
 * @param deps the ledger's directory and newest position, Latchkey's version, and the log
 * @returns the shipping, without sinks yet
 */
export function openShipping(deps: {
  readonly dir: string;
  readonly head: () => number;
  readonly version: string;
  readonly log: (event: Record<string, unknown>) => void;
}): OpenShipping {
  const { dir, head, version, log } = deps;
  let sinks: readonly SinkConfig[] = [];
  let thread: Worker | undefined;
  let again: NodeJS.Timeout | undefined;
  let states: readonly SinkState[] = [];
  let seen = 0;
  let isClosing = false;
  let whenClosed = (): void => {};

  function tell(message: ToThread): void {
    thread?.postMessage(message);
  }

  function hear(message: FromThread): void {
    switch (message.kind) {
      case 'states':
        states = message.states;
        break;
      case 'log':
        log(message.event);
        break;
      case 'closed':
        whenClosed();
        break;
      default:
        message satisfies never;
    }
  }

  function start(): void {
    const workerData: ThreadBeginning = { dir, version };
    const started = new Worker(new URL('./thread.ts', import.meta.url), { workerData });
    started.unref();
    started.on('message', hear);
    started.on('error', (error) => log({ event: 'audit_shipping_failed', problem: String(error) }));
    started.on('exit', () => {
      if (thread === started) thread = undefined;
      whenClosed();
      if (isClosing || sinks.length === 0) return;
      again = setTimeout(start, AGAIN_MS).unref();
    });
    thread = started;
    tell({ kind: 'use', sinks });
  }

  /** Hearing of each commit would cost the writer something for each record. */
  const look = setInterval(() => {
    const newest = head();
    if (newest === seen) return;
    seen = newest;
    tell({ kind: 'wake' });
  }, LOOK_MS);
  look.unref();

  return {
    use(next) {
      sinks = next;
      if (thread !== undefined) tell({ kind: 'use', sinks });
      else if (sinks.length > 0 && !isClosing) {
        clearTimeout(again);
        start();
      }
    },
    states: () => states,
    async close() {
      isClosing = true;
      clearInterval(look);
      clearTimeout(again);
      const open = thread;
      if (open === undefined) return;
      open.ref();
      const late = setTimeout(() => whenClosed(), CLOSING_MS);
      await new Promise<void>((resolve) => {
        whenClosed = resolve;
        tell({ kind: 'close' });
      });
      clearTimeout(late);
      await open.terminate();
    },
  };
}
