import { asAgentError, type CommandIo } from './command-line.ts';
import { specs, type CommandName } from './specs.ts';
import { badUsage, usageText } from './usage.ts';
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
 *   command's own
 */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const end = argv.indexOf('--');
  // What follows `--` belongs to another command.
  const json = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
  try {
    return await dispatch(argv, io);
  } catch (error) {
    const fault = asAgentError(error);
    const told = { error: { code: fault.code, message: fault.message } };
    io.err(json ? `${JSON.stringify(told)}\n` : `latchkey: ${fault.message}\n`);
    return fault.code === 'bad_usage' || fault.code === 'bad_settings' ? 2 : 1;
  }
}

function dispatch([name, ...rest]: readonly string[], io: CommandIo): Promise<number> | number {
  switch (name) {
    case '--version':
      io.out(`${readVersion()}\n`);
      return 0;
    case 'help':
    case '--help':
    case '-h':
      io.out(usageText());
      return 0;
    case undefined:
      throw badUsage('which command?');
    default:
      if (Object.hasOwn(specs, name)) return commands[name as CommandName](rest, io);
      throw badUsage(`there is no command ${JSON.stringify(name)}`);
  }
}
