import { join } from 'node:path';
import { runAuditCommand } from '../../audit/command.ts';
import { dirOf, type CommandIo } from './command-line.ts';
import { badUsage } from './usage.ts';

/**
 * `latchkey audit`: works on the local record, whether or not Latchkey runs.
 *
 * @param argv what follows `audit`
 * @param io the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`
 */
export function runAudit(argv: readonly string[], io: CommandIo): Promise<number> {
  const rest = [...argv];
  const at = rest.indexOf('--data-dir');
  const [, named] = at < 0 ? [] : rest.splice(at, 2);
  if (at >= 0 && named === undefined) throw badUsage('--data-dir needs a directory');
  const dir = join(dirOf(named, io), 'audit');
  return runAuditCommand(rest, { dir, stdout: process.stdout, stderr: process.stderr });
}
