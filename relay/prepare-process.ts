import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves together; a request in flight holds some 40 KiB, so that hundreds fit. */
const YOUNG_BYTES = 16 * 1024 * 1024;
const GIVE_UP_AFTER = 2_000_000;

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;

/**
 * Lets the young generation grow to its size at once, and no further: V8 would go to 128 MiB under load,
 * for a few per cent of speed. Its size cannot be set once the process runs, the factor of its growth can.
 */
function settleYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=8');
  const kept: object[] = [];
  while (youngBytes() < YOUNG_BYTES && kept.length < GIVE_UP_AFTER)
    for (let count = 0; count < 10_000; count++) kept.push([count]);
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Sets up what a process of the relay is to have before its code is loaded: a heap that stays small, one
 * thread that collects (helpers of a process that has one core only take it from requests, and were a fifth
 * of the CPU time and most of the slowest answers), and compiled code kept from one start to the next.
 */
export function prepareProcess(): void {
  setFlagsFromString('--single-threaded-gc');
  settleYoungGeneration();
  // Beside what is installed, which only its owner can write: never in a directory that others share.
  enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'latchkey'));
}
