import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runAuditCommand } from '../../audit/command.ts';

/** What an `audit` subcommand of the relay printed, and how it ended. */
export async function administer(
  dir: string,
  ...argv: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await runAuditCommand(argv, { dir, administers: true, stdout, stderr });
  stdout.end();
  stderr.end();
  return { code, out: await text(stdout), err: await text(stderr) };
}
