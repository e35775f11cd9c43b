import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lets this thread run only when nobody else wants the processor. On Linux each thread has a niceness of its own,
 * under its own id; elsewhere nothing happens, for a process has but one.
 */
export function runBehind(): void {
  if (process.platform !== 'linux') return;
  try {
    // `PID/task/TID`, of the thread that reads it.
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(id, constants.priority.PRIORITY_LOW);
  } catch {
    // Without /proc it runs like all others.
  }
}
