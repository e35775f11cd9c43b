import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The clone's root directory. */
export const root: string = join(import.meta.dirname, '..');

const maxLogLines = 2000;

/** How one child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process of the demo that writes one JSON object a line. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** The latest lines of stdout and stderr. */
  logs(): readonly string[];
  /** Resolves with the first event of that name; rejects when the child ends or the time is over. */
  event(name: string, timeoutMs: number): Promise<Readonly<Record<string, unknown>>>;
  readonly ended: Promise<ChildEnd>;
  /** Sends the signal, and SIGKILL to a child that is still there after ten seconds. */
  stop(signal?: NodeJS.Signals): Promise<ChildEnd>;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function onLines(stream: Readable | null, listener: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', listener);
}

/**
 * Starts a child that lives no longer than this process.
 *
 * @param options the program with its arguments, and what to do with each line
 * @returns the running child
 */
export function startChild(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onStdout?: (line: string) => void;
  readonly onStderr?: (line: string) => void;
}): Child {
  const child = spawn(options.command, options.args, {
    cwd: root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  const events: Readonly<Record<string, unknown>>[] = [];
  const waiting = new Set<() => void>();
  let end: ChildEnd | undefined;

  function keep(line: string): void {
    lines.push(line);
    if (lines.length > maxLogLines) lines.shift();
  }

  onLines(child.stdout, (line) => {
    keep(line);
    const event = parse(line);
    if (event !== undefined) events.push(event);
    if (events.length > maxLogLines) events.shift();
    options.onStdout?.(line);
    for (const wake of waiting) wake();
  });
  onLines(child.stderr, (line) => {
    keep(line);
    options.onStderr?.(line);
  });

  // 'close' comes after the last line was read, 'exit' may come before it
  const ended = new Promise<ChildEnd>((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      end ??= { code, signal };
      for (const wake of waiting) wake();
      resolve(end);
    };
    child.once('close', finish);
    child.once('error', (error) => {
      keep(error.message);
      finish(null, null);
    });
  });
  const killNow = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killNow);
  void ended.then(() => process.off('exit', killNow));

  async function event(name: string, timeoutMs: number) {
    let over = false;
    for (;;) {
      const found = events.find((candidate) => candidate['event'] === name);
      if (found !== undefined) return found;
      if (over || end !== undefined) {
        const why = over ? `did not say "${name}" within ${timeoutMs} ms` : describeEnd(end);
        throw new Error(`the ${options.name} ${why}\n${lines.slice(-20).join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => wake(true), timeoutMs);
        const wake = (late = false): void => {
          over = late;
          clearTimeout(timer);
          waiting.delete(wakeUp);
          resolve();
        };
        const wakeUp = (): void => wake();
        waiting.add(wakeUp);
      });
    }
  }

  return {
    name: options.name,
    process: child,
    logs: () => [...lines],
    event,
    ended,
    async stop(signal = 'SIGTERM') {
      if (end !== undefined) return end;
      child.kill(signal);
      const timer = setTimeout(killNow, 10_000);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * Says in words how a child ended.
 *
 * @param end its exit code or signal
 * @returns `ended with exit code 1`, `was ended by SIGKILL`, `could not be started`
 */
export function describeEnd(end: ChildEnd | undefined): string {
  if (end?.signal != null) return `was ended by ${end.signal}`;
  return end?.code == null ? 'could not be started' : `ended with exit code ${end.code}`;
}

/**
 * Arguments that make Node run one of our scripts as a child that ends with its parent.
 *
 * @param script relative to the clone
 * @param args the script's own
 * @returns arguments for `process.execPath`
 */
export function tetheredScript(script: string, args: readonly string[]): readonly string[] {
  return ['--import', './demo/tether.ts', script, ...args];
}

/**
 * Below what systems hand out for port 0 and for outgoing connections, so that nobody takes one by chance; above all
 * that browsers refuse.
 */
const PORTS = { least: 11_000, beyond: 32_000 };

/**
 * Finds free ports on loopback, all different.
 *
 * @param count how many
 * @returns port numbers; another process may still take one before it is used
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(PORTS.least, PORTS.beyond);
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    // Where there is no IPv6 nobody can be there.
    return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
  await once(server.close(), 'close');
  return true;
}
