import { AgentError } from '../main/agent/errors.ts';
import { specs, type CommandName, type CommandSpec, type OptionSpec } from './specs.ts';

/**
 * Lists every command with its options.
 *
 * @returns the help text
 */
export function usageText(): string {
  const lines = Object.entries(specs).map(([name, spec]) => commandLine(name, spec));
  return `usage: latchkey COMMAND [--json] [--data-dir DIR]

${lines.join('')}
login, logout, status, apis, keys, env and run talk to the running Latchkey. latchkey COMMAND --help tells more.
`;
}

/**
 * Explains one command.
 *
 * @param name which
 * @returns its own help text
 */
export function commandUsage(name: CommandName): string {
  const { about, options, words, rest }: CommandSpec = specs[name];
  const form = ['latchkey', name, words?.join('|'), '[OPTIONS]', rest].filter(Boolean).join(' ');
  const rows = Object.entries(options).map(([option, spec]) => [
    optionText(option, spec),
    spec.choices === undefined ? spec.about : `${spec.about}: ${spec.choices.join(', ')}`,
  ]);
  const width = Math.max(0, ...rows.map(([option = '']) => option.length));
  const lines = rows.map(([option = '', told = '']) => `  ${option.padEnd(width)}  ${told}\n`);
  return `usage: ${form}\n\n${about}\n${lines.length === 0 ? '' : `\n${lines.join('')}`}`;
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
    .map(([option, spec]) => `[${optionText(option, spec)}]${spec.multiple === true ? '…' : ''}`);
  if (rest !== undefined) own.push(rest);
  const head = `  ${name.padEnd(11)}${about}`;
  return own.length === 0 ? `${head}\n` : `${head}\n${' '.repeat(13)}${own.join(' ')}\n`;
}

function optionText(option: string, { value }: OptionSpec): string {
  return value === undefined ? `--${option}` : `--${option} ${value}`;
}
