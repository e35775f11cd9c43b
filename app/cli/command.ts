import type { Output } from './output.ts';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runAuditCommand } from '../../audit/command.ts';
import { controlAddress } from '../main/agent/control/address.ts';
import { createControlClient } from '../main/agent/control/client.ts';
import { AgentError } from '../main/agent/errors.ts';
import { dataDir } from '../main/agent/settings/data-dir.ts';
import { runAgent } from './agent-command.ts';
import { apisText, statusText } from './output.ts';
import { readVersion } from './version.ts';

const usage = `usage: latchkey COMMAND [--json] [--data-dir DIR]

  agent     run without a window  [--relay URL] [--port N] [--no-browser]
  login     sign in with the browser
  logout    sign out and revoke the session
  status    who is signed in, and where
  apis      the APIs you may use, and their local addresses
  audit     verify | export: the local record of every request

All but agent and audit talk to the running Latchkey.
`;

/** Where the command writes and what it knows of its surroundings. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs one `latchkey` command.
 *
 * @param argv what follows the program's name
 * @param io where to write, the environment
 * @returns the exit code: 0 fine, 1 the thing asked for failed, 2 bad usage or settings
 */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const json = argv.includes('--json');
  try {
    return await dispatch(argv, io);
  } catch (error) {
    const fault = error instanceof AgentError ? error : unexpected(error);
    const told = { error: { code: fault.code, message: fault.message } };
    io.err(json ? `${JSON.stringify(told)}\n` : `latchkey: ${fault.message}\n`);
    return fault.code === 'bad_usage' || fault.code === 'bad_settings' ? 2 : 1;
  }
}

async function dispatch(argv: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = argv;
  switch (name) {
    case 'agent':
      return agent(rest, io);
    case 'login':
    case 'logout':
    case 'status':
    case 'apis':
      return ask(name, rest, io);
    case 'audit':
      return audit(rest, io);
    case '--version':
      io.out(`${readVersion()}\n`);
      return 0;
    case 'help':
    case '--help':
    case '-h':
      io.out(usage);
      return 0;
    case undefined:
      throw badUsage('which command?');
    default:
      throw badUsage(`there is no command ${JSON.stringify(name)}`);
  }
}

async function agent(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = parsed(argv, {
    ...common,
    relay: { type: 'string' },
    port: { type: 'string' },
    'no-browser': { type: 'boolean' },
  });
  const options = {
    dataDir: dirOf(values['data-dir'], io),
    version: readVersion(),
    relay: values.relay,
    port: values.port === undefined ? undefined : portOf(values.port),
    browser: values['no-browser'] !== true,
  };
  return runAgent(options, outputOf(true, io));
}

async function ask(
  name: 'login' | 'logout' | 'status' | 'apis',
  argv: readonly string[],
  io: CommandIo,
): Promise<number> {
  const values = parsed(argv, common);
  const output = outputOf(values.json === true, io);
  const client = createControlClient(controlAddress(dirOf(values['data-dir'], io)));
  const tell = (value: unknown, words: string): number => {
    output.out(output.json ? `${JSON.stringify(value)}\n` : words);
    return 0;
  };
  if (name === 'apis') {
    const apis = await client.apis();
    return tell(apis, apisText(apis));
  }
  if (name === 'login') {
    const snapshot = await client.login((url) => {
      if (output.json) output.out(`${JSON.stringify({ event: 'sign-in-url', url })}\n`);
      else output.out(`Your browser opens this page; if it does not, open it yourself:\n${url}\n`);
    });
    return tell(snapshot, statusText(snapshot));
  }
  const snapshot = name === 'logout' ? await client.logout() : await client.status();
  return tell(snapshot, statusText(snapshot));
}

function audit(argv: readonly string[], io: CommandIo): Promise<number> {
  const rest = [...argv];
  const at = rest.indexOf('--data-dir');
  const [, named] = at < 0 ? [] : rest.splice(at, 2);
  if (at >= 0 && named === undefined) throw badUsage('--data-dir needs a directory');
  const dir = join(dirOf(named, io), 'audit');
  return runAuditCommand(rest, { dir, stdout: process.stdout, stderr: process.stderr });
}

const common = { json: { type: 'boolean' }, 'data-dir': { type: 'string' } } as const;

function parsed<const O extends Record<string, { readonly type: 'string' | 'boolean' }>>(
  argv: readonly string[],
  options: O,
) {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw badUsage(error instanceof Error ? error.message : String(error));
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw badUsage('--port must be a number from 0 to 65535');
}

function dirOf(named: string | undefined, io: CommandIo): string {
  return named === undefined ? dataDir(io.env, process.platform) : resolve(named);
}

function outputOf(json: boolean, io: CommandIo): Output {
  return { json, out: io.out, err: io.err };
}

function badUsage(message: string): AgentError {
  return new AgentError('bad_usage', `${message}\n\n${usage}`);
}

function unexpected(error: unknown): AgentError {
  const reason = error instanceof Error ? error.message : String(error);
  return new AgentError('internal', `Something went wrong: ${reason}`, { cause: error });
}
