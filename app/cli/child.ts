import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How a child ended, or why there was none. */
export type ChildEnd =
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'not-started'; readonly code: 126 | 127; readonly reason: string };

const forwarded = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const;
const fromTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGHUP']);

/**
 * Runs a program in the place of this one: no shell, the same input and output, and every signal.
 *
 * @param command its name or path
 * @param args handed on as they are
 * @param env its environment
 * @returns its exit code, 128 and the number of the signal that ended it, or 127 and 126 as of shells
 * @see POSIX.1-2017 Shell §2.8.2
 */
export function runChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ChildEnd> {
  return new Promise((resolve) => {
    // A terminal signals the child itself; a second SIGINT makes many programs give up their clean-up.
    const isTerminal = process.stdin.isTTY || process.stderr.isTTY;
    const handlers = forwarded.map((signal) => {
      const handler = (): void => {
        if (!(isTerminal && fromTerminal.has(signal))) child.kill(signal);
      };
      return [signal, handler] as const;
    });
    const done = (end: ChildEnd): void => {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
      resolve(end);
    };
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const child = spawn(command, args, { env, stdio: 'inherit', shell: false });
    child.once('error', (error) => {
      // An error of `kill` is none of the start.
      if (child.pid === undefined) done(notStarted(command, error));
    });
    child.once('exit', (code, signal) => {
      done({ kind: 'ended', code: code ?? 128 + (signal ? constants.signals[signal] : 0) });
    });
  });
}

function notStarted(command: string, error: Error): ChildEnd {
  const name = JSON.stringify(command);
  if ('code' in error && error.code === 'ENOENT') {
    return { kind: 'not-started', code: 127, reason: `${name} was not found` };
  }
  const why = 'code' in error ? String(error.code) : error.message;
  return { kind: 'not-started', code: 126, reason: `${name} cannot be run (${why})` };
}
