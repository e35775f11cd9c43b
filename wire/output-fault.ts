import type { EventEmitter } from 'node:events';

/** As a shell reports a program that SIGPIPE (13) ended: 128 + 13. */
const SIGPIPE_CODE = 141;

/** Why a command cannot write on, and how it is to end. */
export interface OutputFault {
  /** 141 when the reader has gone, as `head` does; else 1. */
  readonly exitCode: number;
  /** What to say about it; nothing when the reader has gone, which is no fault. */
  readonly words?: string;
}

function outputFault(error: unknown): OutputFault {
  const { code, message } = error as NodeJS.ErrnoException;
  // Windows has no SIGPIPE; a reader that has gone shows as either of these.
  if (code === 'EPIPE' || code === 'EOF') return { exitCode: SIGPIPE_CODE };
  return { exitCode: 1, words: `the output cannot be written (${code ?? message})` };
}

/**
 * Ends a command whose standard output fails; without this, the process dies of it with a stack trace. Errors of
 * stderr are passed over: nobody is left to be told.
 *
 * @param process whose streams
 * @param end ends the command; called once
 */
export function watchOutput(
  { stdout, stderr }: { readonly stdout: EventEmitter; readonly stderr: EventEmitter },
  end: (fault: OutputFault) => void,
): void {
  let isEnding = false;
  stdout.on('error', (error: unknown) => {
    if (isEnding) return;
    isEnding = true;
    end(outputFault(error));
  });
  stderr.on('error', () => undefined);
}
