import { AgentError } from '../main/agent/errors.ts';
import type { AgentSnapshot } from '../main/agent/status.ts';
import { addressVariables, proxyVariables, type Variables } from './addresses.ts';
import { clientOf, parsed, type CommandIo } from './command-line.ts';
import { knownTo, meantApis, type Meant } from './profile-names.ts';
import { setLine, shellOf, type LineShell } from './shell-lines.ts';
import { lineShells, specs } from './specs.ts';
import { badUsage } from './usage.ts';

/**
 * `latchkey env`: prints the lines that set the local addresses; notes for people go to stderr, so
 * that the lines can be evaluated as they are.
 *
 * @param argv what follows `env`
 * @param io where to write, the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`, `not_running`
 */
export async function runEnv(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = parsed(argv, specs.env.options);
  const shell =
    values.shell === undefined ? shellOf(io.env, process.platform) : named(values.shell);
  const snapshot = await knownTo(clientOf(values['data-dir'], io), values.profile);
  const localUrl = portOf(snapshot);
  const meant = meantApis(snapshot, values.profile);
  const { variables, left } = addressVariables(localUrl, meant.apis);
  const all =
    values.proxy === true ? { ...variables, ...proxyVariables(localUrl, io.env) } : variables;
  io.err(addressNotes(meant, left));
  if (values.json === true) io.out(`${JSON.stringify(all)}\n`);
  else printLines(shell, all, io);
  return 0;
}

/**
 * Says why addresses are missing.
 *
 * @param meant the APIs, and of which profiles they are not known
 * @param left APIs whose address cannot be given
 * @returns lines for stderr; empty when nothing is missing
 */
export function addressNotes(
  { isSignedIn, signedOut }: Omit<Meant, 'apis'>,
  left: readonly string[],
): string {
  const notes = left.map((name) => `API ${JSON.stringify(name)} has no address for a variable`);
  const where = signedOut.length === 0 ? '' : ` to ${signedOut.join(' and ')}`;
  if (!isSignedIn || signedOut.length > 0) {
    notes.unshift(`sign in${where} first: the addresses of the APIs are not known yet`);
  }
  return notes.map((note) => `latchkey: ${note}\n`).join('');
}

function printLines(shell: LineShell, variables: Variables, io: CommandIo): void {
  for (const [name, value] of Object.entries(variables)) {
    const line = setLine(shell, name, value);
    if (line === undefined) io.err(`latchkey: ${name} cannot be written for ${shell}\n`);
    else io.out(line);
  }
}

function portOf({ localUrl }: AgentSnapshot): string {
  if (localUrl !== undefined) return localUrl;
  throw new AgentError('not_running', 'Latchkey has no local port yet. Try again.');
}

function named(text: string): LineShell {
  const shell = lineShells.find((one) => one === text);
  if (shell) return shell;
  throw badUsage(`--shell is one of ${lineShells.join(', ')}`);
}
