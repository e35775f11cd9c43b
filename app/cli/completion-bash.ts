import type { CommandSpec, OptionSpec } from './specs.ts';

/**
 * Writes the completion script for bash 3.2 and later.
 *
 * @param specs the table of commands; its words are plain
 * @returns the script, to be sourced
 */
export function bashScript(specs: Readonly<Record<string, CommandSpec>>): string {
  const entries = Object.entries(specs);
  const words = entries.map(([name, spec]) => {
    const all = [...(spec.words ?? []), ...Object.keys(spec.options).map((one) => `--${one}`)];
    return `    ${name}) words='${all.join(' ')}' ;;\n`;
  });
  const values = entries.flatMap(([name, spec]) =>
    Object.entries(spec.options).flatMap(([option, one]) => valueCase(name, option, one)),
  );
  return `# Completion of latchkey for bash:  source <(latchkey completion bash)
_latchkey() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]-} words='' at
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${[...Object.keys(specs), '--version', '--help'].join(' ')}' -- "$cur"))
    return
  fi
  for ((at = 2; at < COMP_CWORD; at++)); do
    [ "\${COMP_WORDS[at]}" = -- ] || continue
    local IFS=$'\\n'
    if [ $((at + 1)) -eq "$COMP_CWORD" ]; then
      COMPREPLY=($(compgen -c -- "$cur"))
    else
      COMPREPLY=($(compgen -f -- "$cur"))
    fi
    return
  done
  case "$command $prev" in
${values.join('')}  esac
  case "$command" in
${words.join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -F _latchkey latchkey
`;
}

function valueCase(command: string, option: string, spec: OptionSpec): readonly string[] {
  if (spec.type === 'boolean') return [];
  const found = `    '${command} --${option}') `;
  if (spec.choices) {
    const choices = spec.choices.join(' ');
    return [`${found}COMPREPLY=($(compgen -W '${choices}' -- "$cur")); return ;;\n`];
  }
  const kind = spec.value === 'DIR' ? '-d' : '-f';
  if (spec.value !== 'DIR' && spec.value !== 'FILE') return [`${found}return ;;\n`];
  return [`${found}local IFS=$'\\n'; COMPREPLY=($(compgen ${kind} -- "$cur")); return ;;\n`];
}
