import { runCommand } from '../../app/cli/command.ts';

/** What one command wrote, and how it ended. */
export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one `latchkey` command in this process, with an environment of its own. */
export async function runCli(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CliResult> {
  let out = '';
  let err = '';
  const code = await runCommand(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env,
  });
  return { code, out, err };
}
