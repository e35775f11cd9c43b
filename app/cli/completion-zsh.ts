import type { CommandSpec, OptionSpec } from './specs.ts';

/**
 * Writes the completion script for zsh.
 *
 * @param specs the table of commands; its texts hold no quote
 * @returns the script, for a folder of `fpath` or to be sourced after `compinit`
 */
export function zshScript(specs: Readonly<Record<string, CommandSpec>>): string {
  const entries = Object.entries(specs);
  const commands = entries.map(([name, { about }]) => `    ${item(name, about)}\n`);
  const cases = entries.map(([name, { words = [], options }]) => {
    const all = [
      ...words.map((word) => item(word, '')),
      ...Object.entries(options).map(([option, { about }]) => item(`--${option}`, about)),
    ];
    return `    ${name}) items=(${all.join(' ')}) ;;\n`;
  });
  const values = entries.flatMap(([name, { options }]) =>
    Object.entries(options).flatMap(([option, one]) => valueCase(name, option, one)),
  );
  return `#compdef latchkey
# Completion of latchkey for zsh:  source <(latchkey completion zsh)
_latchkey() {
  local -a items
  local at=\${words[(i)--]}
  if (( CURRENT == 2 )); then
    items=(
${commands.join('')}    )
    _describe 'command' items
    return
  fi
  if (( at < CURRENT )); then
    shift $at words
    (( CURRENT -= at ))
    _normal
    return
  fi
  case "\${words[2]} \${words[CURRENT-1]}" in
${values.join('')}  esac
  case "\${words[2]}" in
${cases.join('')}  esac
  _describe 'option' items
}
if [[ "\${funcstack[1]}" = _latchkey ]]; then _latchkey "$@"; else compdef _latchkey latchkey; fi
`;
}

function item(word: string, about: string): string {
  return about === '' ? `'${word}'` : `'${word}:${about.replaceAll(':', String.raw`\:`)}'`;
}

function valueCase(command: string, option: string, spec: OptionSpec): readonly string[] {
  if (spec.type === 'boolean') return [];
  const found = `    '${command} --${option}') `;
  if (spec.choices) return [`${found}compadd -- ${spec.choices.join(' ')}; return ;;\n`];
  if (spec.value === 'DIR') return [`${found}_files -/; return ;;\n`];
  if (spec.value === 'FILE') return [`${found}_files; return ;;\n`];
  return [`${found}return ;;\n`];
}
