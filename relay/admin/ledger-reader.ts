import { Worker } from 'node:worker_threads';
import { AuditError } from '../../audit/errors.ts';
import type { LedgerTasks, TaskAnswer, TaskName, TaskOrder } from './ledger-tasks.ts';

/** Reads a ledger beside the relay's own work: a query through a million records holds up no request. */
export interface LedgerReader {
  /**
   * Does one task.
   *
   * @throws {AuditError} what the task throws; `audit_unavailable` when too many wait, or it takes too long
   */
  run<N extends TaskName>(
    name: N,
    ...args: Parameters<LedgerTasks[N]>
  ): Promise<Awaited<ReturnType<LedgerTasks[N]>>>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const MAX_WAITING = 64;
const PAGE_MS = 60_000;
const VERIFY_MS = 3_600_000;

const unavailable = (message: string): AuditError => new AuditError('audit_unavailable', message);

/**
 * Prepares a reader; its thread is started with the first task, and again after it failed.
 *
 * @param dir the ledger's directory
 * @returns the reader
 */
export function createLedgerReader(dir: string): LedgerReader {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let number = 0;
  let closed = false;

  function settle(id: number): Waiting | undefined {
    const task = waiting.get(id);
    waiting.delete(id);
    clearTimeout(task?.timer);
    return task;
  }

  function fail(failed: Worker, error: Error): void {
    if (thread !== failed) return;
    thread = undefined;
    void failed.terminate();
    const ids = [...waiting.keys()];
    for (const id of ids) settle(id)?.reject(error);
  }

  function start(): Worker {
    const started = new Worker(new URL('./ledger-thread.ts', import.meta.url), {
      workerData: dir,
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    started.unref();
    started.on('message', (answer: TaskAnswer) => {
      const task = settle(answer.id);
      if (answer.kind === 'done') task?.resolve(answer.value);
      else task?.reject(new AuditError(answer.code, answer.message));
    });
    started.on('error', (error) =>
      fail(started, unavailable(`reading the audit failed: ${error.message}`)),
    );
    return started;
  }

  return {
    run: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (closed || waiting.size >= MAX_WAITING) {
          reject(unavailable('too many read the audit at this time; try again'));
          return;
        }
        thread ??= start();
        const running = thread;
        number += 1;
        const timer = setTimeout(
          () => fail(running, unavailable('reading the audit took too long; narrow the question')),
          name === 'verify' ? VERIFY_MS : PAGE_MS,
        ).unref();
        waiting.set(number, { resolve: resolve as Waiting['resolve'], reject, timer });
        const order: TaskOrder = { id: number, name, args };
        running.postMessage(order);
      }),
    async close() {
      closed = true;
      const last = thread;
      if (last) fail(last, unavailable('the relay is stopping'));
      await last?.terminate();
    },
  };
}
