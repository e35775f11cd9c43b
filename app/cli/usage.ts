import { AgentError } from '../main/agent/errors.ts';
import { specs, type CommandSpec } from './specs.ts';

/**
 * Lists every command with its options.
 *
 * @returns the help text
 */
export function usageText(): string {
  const lines = Object.entries(specs).map(([name, spec]) => commandLine(name, spec));
  return `usage: latchkey COMMAND [--json] [--data-dir DIR]

${lines.join('')}
login, logout, status, apis, keys, env and run talk to the running Latchkey.
`;
}

/**
 * Makes the fault of a command line that cannot be understood.
 *
 * @param message what is wrong
 * @returns the error, with the help text behind it
 */
export function badUsage(message: string): AgentError {
  return new AgentError('bad_usage', `${message}\n\n${usageText()}`);
}

function commandLine(name: string, { about, options, rest }: CommandSpec): string {
  const own = Object.entries(options)
    .filter(([option]) => option !== 'json' && option !== 'data-dir')
    .map(([option, { value, multiple }]) => {
      const text = value === undefined ? `--${option}` : `--${option} ${value}`;
      return `[${text}]${multiple === true ? '…' : ''}`;
    });
  if (rest !== undefined) own.push(rest);
  const head = `  ${name.padEnd(11)}${about}`;
  return own.length === 0 ? `${head}\n` : `${head}\n${' '.repeat(13)}${own.join(' ')}\n`;
}
