import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * What node is told for a process that serves. One thread collects garbage: helpers of a process that has one
 * core only take it from requests, and were a quarter of its CPU time. And the young generation stays small: by
 * itself it grows to 128 MiB under load, for no more speed. Last, what was compiled is kept while nobody asks for
 * anything: by itself V8 then frees what it knows of objects that are gone, and the first seconds of the next load
 * take nearly twice the time.
 */
export const NODE_OPTIONS: readonly string[] = [
  '--single-threaded-gc',
  '--max-semi-space-size=8',
  '--no-memory-reducer',
  '--retain-maps-for-n-gc=1000',
  '--no-flush-bytecode',
];

/** Beside what is installed, which only its owner can write: never in a directory that others share. */
const COMPILED = join(import.meta.dirname, '..', 'node_modules', '.cache', 'latchkey');

/** Whoever forked this process talks to it over a channel that would not survive. */
const canReplace = (): boolean => process.platform !== 'win32' && process.send === undefined;

/**
 * Tells which of node's options this process was started without.
 *
 * @returns those of {@link NODE_OPTIONS}
 */
export function missingOptions(): readonly string[] {
  return NODE_OPTIONS.filter((option) => !process.execArgv.includes(option));
}

/** Begins anew with these options, as the same process: they cannot be set while it runs. */
function replaceWithOptions(): void {
  const missing = missingOptions();
  if (missing.length === 0 || !canReplace()) return;
  const args = [...missing, ...process.execArgv, ...process.argv.slice(1)];
  // Said this way it holds for the first module, too: what strips types, 15 MiB, is then never loaded.
  const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env };
  process.execve?.(process.execPath, [process.execPath, ...args], env);
}

/**
 * Prepares a process before the rest of its code is loaded: node's options, and a place where compiled code is
 * kept from one start to the next (types need not be stripped again, which saves 25 MiB as well).
 *
 * @param serves whether it is to serve; commands that end soon are not begun anew
 */
export function prepareProcess(serves: boolean): void {
  if (serves) replaceWithOptions();
  enableCompileCache(COMPILED);
}
