import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd, startChild, tetheredScript, type Child } from '../demo/child.ts';
import { placed } from './machine.ts';

const START_MS = 60_000;

/** A running program. */
export interface Started {
  readonly url: URL;
  readonly pid: number;
  readonly child: Child;
}

/** Where a program runs: under test, or with the generator. */
type Place = 'load' | 'peer';

/** Opens things for one run; they are closed in reverse order. */
export interface Opened {
  /** Keeps something to be closed in the end. */
  keep(close: () => Promise<unknown>): void;
  /** Starts one of our scripts and waits for the port that it says. */
  script(
    place: Place,
    name: string,
    args: readonly string[],
    nodeArgs?: readonly string[],
  ): Promise<Started>;
  /** Starts any program and waits until its port takes connections. */
  program(
    place: Place,
    name: string,
    port: number,
    words: readonly [string, ...string[]],
  ): Promise<Started>;
  /** Makes a folder that goes in the end. */
  folder(): Promise<string>;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function untilAccepts(child: Child, port: number): Promise<void> {
  let end: Awaited<Child['ended']> | undefined;
  void child.ended.then((ended) => (end = ended));
  for (const lateMs = Date.now() + START_MS; !(await accepts(port)); await sleep(20)) {
    if (end === undefined && Date.now() < lateMs) continue;
    const why = end === undefined ? 'did not listen in time' : describeEnd(end);
    throw new Error(`${child.name} ${why}\n${child.logs().slice(-20).join('\n')}`);
  }
}

/**
 * Keeps what a run has opened.
 *
 * @returns the keeper; call `close` in the end
 */
export function createOpened(): Opened & { close(): Promise<void> } {
  const closers: (() => Promise<unknown>)[] = [];
  const keep = (close: () => Promise<unknown>): void => void closers.unshift(close);

  function start(place: Place, name: string, command: string, args: readonly string[]): Child {
    const child = startChild({ name, ...placed(place, command, args) });
    keep(() => child.stop());
    return child;
  }

  return {
    keep,
    async script(place, name, [script = '', ...args], nodeArgs = []) {
      const words = [...nodeArgs, ...tetheredScript(script, args)];
      const child = start(place, name, process.execPath, words);
      const { url } = await child.event('listening', START_MS);
      return { url: new URL(String(url)), pid: child.process.pid ?? 0, child };
    },
    async program(place, name, port, [command, ...args]) {
      const child = start(place, name, command, args);
      await untilAccepts(child, port);
      return { url: new URL(`http://127.0.0.1:${port}`), pid: child.process.pid ?? 0, child };
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
