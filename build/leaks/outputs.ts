import childProcess, { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** A piece of some output. */
export interface Heard {
  readonly source: string;
  readonly chunk: string | Uint8Array;
  /** The stack when it was printed or, of a child, when that was started. */
  readonly place: string;
  /** The same for pieces that belong together. */
  readonly stream: object;
}

/** Takes a piece of some output. */
export type Hear = (heard: Heard) => void;

/** Where in the code something happens now. */
export type Place = () => string;

type Any = (...args: never[]) => unknown;

/** Puts a function around another. */
function around<T extends object, K extends keyof T>(
  owner: T,
  name: K,
  make: (original: T[K] & Any) => Any,
): void {
  owner[name] = make(owner[name] as T[K] & Any) as T[K];
}

/** Also reads what nobody has begun to read: pushes are seen, and the flow stays as it is. */
function tap(
  stream: Readable | null | undefined,
  hear: (chunk: string | Uint8Array) => void,
): void {
  if (stream === null || stream === undefined) return;
  around(stream, 'push', (push) => (...args: Parameters<Readable['push']>) => {
    const [chunk] = args as [unknown];
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) hear(chunk);
    return Reflect.apply(push, stream, args);
  });
}

interface Spawnable {
  spawn(options: { readonly file?: string; readonly args?: readonly string[] }): unknown;
}

/** `node relay/main.ts`: the program and the first word that is no option. */
function commandOf(words: readonly string[]): string {
  const [program = '', ...rest] = words;
  const script = rest.find((word, at) => at > 0 || !word.startsWith('-')) ?? '';
  const short = (word: string): string => word.split(/[\\/]/).slice(-2).join('/').slice(0, 60);
  return `${short(program)} ${short(script)}`.trimEnd();
}

function tapChildren(hear: Hear, place: Place): void {
  around(
    ChildProcess.prototype as unknown as Spawnable,
    'spawn',
    (spawn) =>
      function spawning(this: ChildProcess, ...args: Parameters<Spawnable['spawn']>) {
        const result: unknown = Reflect.apply(spawn, this, args);
        const from = place();
        const command = commandOf(args[0].args ?? [args[0].file ?? '']);
        for (const name of ['stdout', 'stderr'] as const) {
          const stream = {};
          const source = `${name} of ${command}`;
          tap(this[name], (chunk) => hear({ source, chunk, place: from, stream }));
        }
        return result;
      },
  );
}

interface Outputs {
  readonly stdout?: string | Uint8Array | null;
  readonly stderr?: string | Uint8Array | null;
}

function tapSyncChildren(hear: Hear, place: Place): void {
  const told = (outputs: Outputs, command: string): void => {
    for (const name of ['stdout', 'stderr'] as const) {
      const chunk = outputs[name];
      if (chunk) hear({ source: `${name} of ${command}`, chunk, place: place(), stream: {} });
    }
  };
  const isOutput = (value: unknown): value is string | Uint8Array =>
    typeof value === 'string' || value instanceof Uint8Array;
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const)
    around(childProcess, name, (original) => (...args: readonly unknown[]) => {
      const command = commandOf(
        [String(args[0]), ...(Array.isArray(args[1]) ? args[1] : [])].map(String),
      );
      try {
        const result: unknown = Reflect.apply(original, childProcess, args);
        told(isOutput(result) ? { stdout: result } : (result ?? {}), command);
        return result;
      } catch (error) {
        told(error as Outputs, command);
        throw error;
      }
    });
}

/** What this process prints itself, by streams or, as logs do, past them. */
function tapOwn(hear: Hear, place: Place): void {
  for (const name of ['stdout', 'stderr'] as const)
    around(process[name], 'write', (write) => (...args: [string | Uint8Array]) => {
      hear({ source: name, chunk: args[0], place: place(), stream: process[name] });
      return Reflect.apply(write, process[name], args);
    });
  around(fs, 'writeSync', (write) => (...args: readonly unknown[]) => {
    const [fd, data] = args;
    const name = fd === 1 ? 'stdout' : fd === 2 ? 'stderr' : undefined;
    if (name !== undefined && (typeof data === 'string' || data instanceof Uint8Array))
      hear({ source: name, chunk: data, place: place(), stream: process[name] });
    return Reflect.apply(write, fs, args);
  });
}

function readLogs(path: string, hear: Hear, from: string): void {
  const found = fs.globSync('**/*.{log,log.*}', { cwd: path });
  for (const name of found) {
    const file = join(path, name);
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true)
      hear({ source: name, chunk: fs.readFileSync(file), place: from, stream: {} });
  }
}

/** Tests remove what they made: the last moment to look at the logs in it, whoever wrote them. */
function tapRemovals(hear: Hear, place: Place): void {
  const before = (args: readonly unknown[]): void => {
    const [path, options] = args as [unknown, { readonly recursive?: boolean } | undefined];
    if (typeof path !== 'string' || options?.recursive !== true) return;
    try {
      readLogs(path, hear, place());
    } catch {
      // Not there, or going away: nothing to read.
    }
  };
  around(fs, 'rmSync', (rm) => (...args: readonly unknown[]) => {
    before(args);
    return Reflect.apply(rm, fs, args);
  });
  around(fs.promises, 'rm', (rm) => (...args: readonly unknown[]) => {
    before(args);
    return Reflect.apply(rm, fs.promises, args);
  });
}

/** Logs that a test keeps for itself, see test/support/heard-log.ts. */
function tapKeptLogs(hear: Hear, place: Place): void {
  subscribe('latchkey:test-log', (line) => {
    hear({ source: 'a log', chunk: String(line), place: place(), stream: {} });
  });
}

/**
 * Listens to everything that this process and its children print, and to the logs that they leave in
 * directories which are removed. Nothing that is heard is changed or held up.
 *
 * @param hear what is printed
 * @param place says where in the code that is
 */
export function tapOutputs(hear: Hear, place: Place): void {
  tapChildren(hear, place);
  tapSyncChildren(hear, place);
  tapOwn(hear, place);
  tapRemovals(hear, place);
  tapKeptLogs(hear, place);
  syncBuiltinESMExports();
}
