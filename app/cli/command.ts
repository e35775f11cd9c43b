import type { AgentErrorCode } from '../main/agent/errors.ts';
import { asAgentError, parsed, type CommandIo } from './command-line.ts';
import { specs, type CommandName } from './specs.ts';
import { badUsage, commandUsage, usageText } from './usage.ts';
import { readVersion } from './version.ts';

type Run = (argv: readonly string[], io: CommandIo) => Promise<number>;

// Loaded when asked for: completing a word or asking for the status needs no agent.
const commands: Readonly<Record<CommandName, Run>> = {
  agent: async (argv, io) => (await import('./serve-command.ts')).runServe(argv, io),
  login: async (argv, io) => (await import('./session-command.ts')).runSession('login', argv, io),
  logout: async (argv, io) => (await import('./session-command.ts')).runSession('logout', argv, io),
  status: async (argv, io) => (await import('./session-command.ts')).runSession('status', argv, io),
  apis: async (argv, io) => (await import('./session-command.ts')).runSession('apis', argv, io),
  keys: async (argv, io) => (await import('./keys-command.ts')).runKeys(argv, io),
  env: async (argv, io) => (await import('./env-command.ts')).runEnv(argv, io),
  run: async (argv, io) => (await import('./run-command.ts')).runWithKey(argv, io),
  policy: async (argv, io) => (await import('./policy-command.ts')).runPolicy(argv, io),
  doctor: async (argv, io) => (await import('./doctor-command.ts')).runDoctor(argv, io),
  bundle: async (argv, io) => (await import('./bundle-command.ts')).runBundle(argv, io),
  audit: async (argv, io) => (await import('./audit-command.ts')).runAudit(argv, io),
  completion: async (argv, io) => (await import('./completion-command.ts')).runCompletion(argv, io),
};

/**
 * Runs one `latchkey` command.
 *
 * @param argv what follows the program's name
 * @param io where to write, the environment
 * @returns the exit code: 0 fine, 1 the thing asked for failed, 2 bad usage or settings; of `run`, the
 *   command's own. Where the output itself fails, `main.ts` ends the process.
 */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const json = ownWords(argv).includes('--json');
  try {
    return await dispatch(argv, io);
  } catch (error) {
    const fault = asAgentError(error);
    const told = { error: { code: fault.code, message: fault.message } };
    io.err(json ? `${JSON.stringify(told)}\n` : `latchkey: ${fault.message}\n`);
    return usageFaults.has(fault.code) ? 2 : 1;
  }
}

/** What a command line or a file of settings says wrong; everything else went wrong later. */
const usageFaults: ReadonlySet<AgentErrorCode> = new Set([
  'bad_usage',
  'bad_settings',
  'unknown_profile',
]);

/** What follows `--` belongs to another command. */
function ownWords(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end < 0 ? argv : argv.slice(0, end);
}

function dispatch([name, ...rest]: readonly string[], io: CommandIo): Promise<number> | number {
  const tell = (text: string): number => {
    io.out(text);
    return 0;
  };
  switch (name) {
    case '--version':
      return tell(versionText(parsed(rest, { json: specs.status.options.json }).json === true));
    case 'help':
    case '--help':
    case '-h':
      return tell(rest[0] === undefined ? usageText() : commandUsage(commandNamed(rest[0])));
    case undefined:
      throw badUsage('which command?');
    default: {
      const command = commandNamed(name);
      return asksForHelp(rest) ? tell(commandUsage(command)) : commands[command](rest, io);
    }
  }
}

function commandNamed(name: string): CommandName {
  if (Object.hasOwn(specs, name)) return name as CommandName;
  throw badUsage(`there is no command ${JSON.stringify(name)}`);
}

function asksForHelp(argv: readonly string[]): boolean {
  return ownWords(argv).some((word) => word === '--help' || word === '-h');
}

function versionText(json: boolean): string {
  const version = readVersion();
  return json ? `${JSON.stringify({ version })}\n` : `${version}\n`;
}
