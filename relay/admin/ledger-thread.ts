import { parentPort, workerData } from 'node:worker_threads';
import { AuditError } from '../../audit/errors.ts';
import { createLedgerTasks, type TaskAnswer, type TaskOrder } from './ledger-tasks.ts';

const tasks = createLedgerTasks(String(workerData));

async function answerTo({ id, name, args }: TaskOrder): Promise<TaskAnswer> {
  try {
    const run = tasks[name] as (...args: readonly unknown[]) => unknown;
    return { id, kind: 'done', value: await run(...args) };
  } catch (error) {
    const code = error instanceof AuditError ? error.code : 'audit_unavailable';
    return { id, kind: 'failed', code, message: (error as Error).message };
  }
}

parentPort?.on('message', (order: TaskOrder) => {
  void answerTo(order).then((answer) => parentPort?.postMessage(answer));
});
