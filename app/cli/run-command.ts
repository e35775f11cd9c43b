import { basename } from 'node:path';
import type { Loan } from '../main/agent/control/loan.ts';
import type { NewToolKey } from '../main/agent/proxy/tool-key.ts';
import { AgentError } from '../main/agent/errors.ts';
import { addressVariables, proxyVariables, withoutAddresses } from './addresses.ts';
import { runChild } from './child.ts';
import { clientOf, parsed, type CommandIo } from './command-line.ts';
import { addressNotes } from './env-command.ts';
import { keyScope, knownTo, meantApis, type Meant } from './profile-names.ts';
import { specs } from './specs.ts';
import { badUsage } from './usage.ts';

/**
 * `latchkey run`: runs a command with a key that ends with it.
 *
 * @param argv what follows `run`
 * @param io where to write, the environment
 * @returns the command's exit code; 127 when it was not found, 126 when it cannot be run
 * @throws {AgentError} `bad_usage`, `not_running`, or what the agent refused with
 */
export async function runWithKey(argv: readonly string[], io: CommandIo): Promise<number> {
  const end = argv.indexOf('--');
  const [command, ...args] = end < 0 ? [] : argv.slice(end + 1);
  const values = parsed(end < 0 ? argv : argv.slice(0, end), specs.run.options);
  if (!command) throw badUsage('run needs `--` and a command behind it');
  const { api, profile, proxy = false, 'read-only': readOnly } = values;
  const client = clientOf(values['data-dir'], io);
  const apis = keyScope(await knownTo(client, profile), profile, api);
  const loan = await client.lend({
    name: keyName(command),
    ...(apis === undefined ? {} : { apis }),
    ...(readOnly === undefined ? {} : { readOnly }),
  } satisfies NewToolKey);
  try {
    const env = environment(loan, { apis, profile, proxy }, io);
    let isRunning = true;
    void loan.ended.then(() => {
      if (isRunning) io.err('latchkey: Latchkey has stopped, and with it the key of this run\n');
    });
    const ended = await runChild(command, args, env);
    isRunning = false;
    if (ended.kind === 'not-started') io.err(`latchkey: ${ended.reason}\n`);
    return ended.code;
  } finally {
    loan.end();
  }
}

function environment(
  loan: Loan,
  {
    apis,
    profile,
    proxy,
  }: {
    readonly apis: readonly string[] | undefined;
    readonly profile: string | undefined;
    readonly proxy: boolean;
  },
  io: CommandIo,
): Record<string, string | undefined> {
  const meant = meantApis(loan, profile);
  const known = meant.apis.map(({ name }) => name);
  const named = apis?.filter((name) => !name.endsWith('/*'));
  const unknown = named?.filter((name) => !known.includes(name) && !isHidden(name, meant)) ?? [];
  if (meant.isSignedIn && unknown.length > 0) {
    const there = known.length === 0 ? 'There are none.' : `There are: ${known.join(', ')}.`;
    throw new AgentError('unknown_api', `You may use no API ${unknown.join(', ')}. ${there}`);
  }
  const opened = meant.apis.filter(
    ({ name }) => named?.includes(name) !== false || named.length === 0,
  );
  const { variables, left } = addressVariables(loan.localUrl, opened);
  io.err(addressNotes(meant, left));
  return {
    ...withoutAddresses(io.env),
    ...variables,
    ...(proxy ? proxyVariables(loan.localUrl, io.env, loan.secret) : {}),
    LATCHKEY_KEY: loan.secret,
  };
}

/** What a profile has is not known before somebody has signed in there. */
function isHidden(api: string, { signedOut }: Meant): boolean {
  return signedOut.some((profile) => api.startsWith(`${profile}/`));
}

function keyName(command: string): string {
  const name = basename(command).replaceAll(/[^A-Za-z0-9._+-]/g, '_');
  return `run ${name.slice(0, 60) || 'command'}`;
}
