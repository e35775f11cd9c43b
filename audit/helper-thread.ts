import { Worker, type WorkerOptions } from 'node:worker_threads';

/** A thread that does one thing at a time, and that nobody waits for. */
export interface HelperThread {
  /** Whether it would take an order now. */
  isFree(): boolean;
  /** Gives it something to do; it is started when it does not run. */
  order(what: string): void;
  /** Takes no more orders; resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** What {@link createHelperThread} works with. */
export interface HelperThreadOptions extends Pick<WorkerOptions, 'resourceLimits' | 'workerData'> {
  readonly file: URL;
  /** The thread's answer to an order. */
  readonly onDone?: (answer: unknown) => void;
  /** It ended by itself, and is not started again. */
  readonly onError: (error: unknown) => void;
  /** After how long without an order it ends, in ms; never without. */
  readonly restMs?: number;
}

/**
 * Prepares a thread; it answers each order with one message.
 *
 * @param options its file, its bounds, who listens
 * @returns the thread, not started
 */
export function createHelperThread(options: HelperThreadOptions): HelperThread {
  const { file, onDone, onError, restMs, ...started } = options;
  let thread: Worker | undefined;
  let isUsable = true;
  let isBusy = false;
  let resting: NodeJS.Timeout | undefined;
  let whenIdle = (): void => {};

  function idle(): void {
    isBusy = false;
    if (restMs !== undefined) resting = setTimeout(rest, restMs).unref();
    whenIdle();
  }
  function rest(): void {
    void thread?.terminate();
    thread = undefined;
  }
  function start(): Worker {
    const worker = new Worker(file, started);
    worker.unref();
    worker.on('message', (answer: unknown) => {
      onDone?.(answer);
      idle();
    });
    worker.on('error', (error) => {
      isUsable = false;
      idle();
      onError(error);
    });
    return worker;
  }

  return {
    isFree: () => isUsable && !isBusy,
    order(what) {
      isBusy = true;
      clearTimeout(resting);
      thread ??= start();
      thread.postMessage(what);
    },
    async close() {
      isUsable = false;
      if (isBusy)
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          thread?.ref();
        });
      clearTimeout(resting);
      await thread?.terminate();
    },
  };
}
