import type { CommandSpec, OptionSpec } from './specs.ts';

/**
 * Writes the completion script for fish.
 *
 * @param specs the table of commands; its texts hold no quote
 * @returns the script, for fish's folder of completions or to be sourced
 */
export function fishScript(specs: Readonly<Record<string, CommandSpec>>): string {
  const lines = Object.entries(specs).flatMap(([name, { about, words, options }]) => {
    const within = `complete -c latchkey -n '__latchkey_within ${name}'`;
    return [
      `complete -c latchkey -n __latchkey_first -a ${name} -d '${about}'\n`,
      ...(words ? [`${within} -a '${words.join(' ')}'\n`] : []),
      ...Object.entries(options).map(([option, one]) => `${within} ${optionPart(option, one)}\n`),
    ];
  });
  return `# Completion of latchkey for fish:  latchkey completion fish | source
function __latchkey_first
    test (count (commandline -opc)) -eq 1
end
function __latchkey_within
    set -l words (commandline -opc)
    test "$words[2]" = $argv[1]; and not contains -- -- $words
end
function __latchkey_behind
    contains -- -- (commandline -opc)
end
function __latchkey_rest
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -e words[1..$at]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end
complete -c latchkey -f
complete -c latchkey -n __latchkey_behind -a '(__latchkey_rest)'
${lines.join('')}`;
}

function optionPart(option: string, { type, choices, value, about }: OptionSpec): string {
  const head = `-l ${option} -d '${about}'`;
  if (type === 'boolean') return head;
  if (choices) return `${head} -x -a '${choices.join(' ')}'`;
  if (value === 'DIR') return `${head} -x -a '(__fish_complete_directories)'`;
  return value === 'FILE' ? `${head} -r -F` : `${head} -x`;
}
