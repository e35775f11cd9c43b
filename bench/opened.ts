import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, tetheredScript, type Child } from '../demo/child.ts';

const START_MS = 20_000;

interface Started {
  readonly url: URL;
  readonly pid: number;
}

/** Opens things for one run; they are closed in reverse order. */
export interface Opened {
  /** Keeps something to be closed in the end. */
  keep(close: () => Promise<unknown>): void;
  /** Starts one of our scripts and waits for its port. */
  run(name: string, script: string, args: readonly string[]): Promise<Started & { child: Child }>;
  /** Makes a folder that goes in the end. */
  folder(): Promise<string>;
}

/**
 * Keeps what a run has opened.
 *
 * @returns the keeper; call `close` in the end
 */
export function createOpened(): Opened & { close(): Promise<void> } {
  const closers: (() => Promise<unknown>)[] = [];
  const keep = (close: () => Promise<unknown>): void => void closers.unshift(close);
  return {
    keep,
    async run(name, script, args) {
      const command = process.execPath;
      const child = startChild({ name, command, args: tetheredScript(script, args) });
      keep(() => child.stop());
      const { url } = await child.event('listening', START_MS);
      return { url: new URL(String(url)), pid: child.process.pid ?? 0, child };
    },
    async folder() {
      const dir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
      keep(() => rm(dir, { recursive: true, force: true }));
      return dir;
    },
    async close() {
      for (const close of closers.splice(0)) await close();
    },
  };
}
