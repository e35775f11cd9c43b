import { bashScript } from './completion-bash.ts';
import { fishScript } from './completion-fish.ts';
import { powershellScript } from './completion-powershell.ts';
import { zshScript } from './completion-zsh.ts';
import { parsedWithWords, type CommandIo } from './command-line.ts';
import { completionShells, specs, type CommandSpec } from './specs.ts';
import { badUsage } from './usage.ts';

const scripts = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
} as const satisfies Record<
  (typeof completionShells)[number],
  (specs: Readonly<Record<string, CommandSpec>>) => string
>;

/**
 * `latchkey completion`: prints the script that completes this command line.
 *
 * @param argv the shell's name
 * @param io where to write
 * @returns the exit code
 * @throws {AgentError} `bad_usage`
 */
export function runCompletion(argv: readonly string[], io: CommandIo): Promise<number> {
  const { positionals } = parsedWithWords(argv, specs.completion.options);
  const shell = completionShells.find((one) => one === positionals[0]);
  if (!shell || positionals.length !== 1) {
    throw badUsage(`completion needs one of ${completionShells.join(', ')}`);
  }
  io.out(scripts[shell](specs));
  return Promise.resolve(0);
}
