import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { AgentError } from '../main/agent/errors.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { gatherBundle } from '../main/doctor/gather.ts';
import { specs } from './specs.ts';
import { readVersion } from './version.ts';

/** Where the answer to "write this?" comes from. */
export type Keyboard = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/**
 * Runs `latchkey bundle`: shows the whole text that it would write, asks, and writes it to a file that only this user
 * may read.
 *
 * @param argv what follows `bundle`
 * @param io where to write, the environment
 * @param keyboard stdin; replaced in tests
 * @returns 0 when it was written, 1 when the person did not want it
 * @throws {AgentError} `bad_usage` without `--yes` where nobody can be asked; `internal` when it can't be written
 */
export async function runBundle(
  argv: readonly string[],
  io: CommandIo,
  keyboard: Keyboard = process.stdin,
): Promise<number> {
  const values = parsed(argv, specs.bundle.options);
  if (!values.yes && !keyboard.isTTY) {
    throw new AgentError(
      'bad_usage',
      'Nobody can be asked whether to write the bundle: run it in a terminal, or add --yes.',
    );
  }
  const nowMs = Date.now();
  const file = resolve(values.output ?? defaultName(nowMs));
  const bundle = await gatherBundle({
    dataDir: dirOf(values['data-dir'], io),
    env: io.env,
    version: readVersion(),
    now: Date.now,
  });
  const text = `${JSON.stringify(bundle, undefined, 2)}\n`;
  io.out(values.json ? `${JSON.stringify({ event: 'bundle', bundle })}\n` : text);
  if (!values.yes && !(await agreed(file, io, keyboard))) {
    io.err('Nothing was written.\n');
    return 1;
  }
  write(file, text);
  const bytes = Buffer.byteLength(text);
  if (values.json) io.out(`${JSON.stringify({ event: 'written', file, bytes })}\n`);
  else io.err(`Written: ${file} (${bytes} bytes). Read it once more before you send it.\n`);
  return 0;
}

async function agreed(file: string, io: CommandIo, input: Keyboard): Promise<boolean> {
  io.err(`\nThe text above is all that would be written to ${file}.\nWrite it? [y/N] `);
  const lines = createInterface({ input });
  // The end of input is no.
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  try {
    const answer = await lines.question('', { signal: closed.signal });
    return /^y(?:es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    lines.close();
  }
}

function write(file: string, text: string): void {
  try {
    // `wx`: neither another file nor what a link leads to is overwritten.
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = code === 'EEXIST' ? 'there is such a file already' : String(code);
    throw new AgentError(
      'internal',
      `${file} cannot be written (${reason}). Name another one with --output.`,
      { cause: error },
    );
  }
}

function defaultName(nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `latchkey-bundle-${stamp}.json`;
}
