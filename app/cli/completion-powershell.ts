import type { CommandSpec } from './specs.ts';

/**
 * Writes the completion script for PowerShell 5 and later.
 *
 * @param specs the table of commands; its words are plain
 * @returns the script, to be put into the profile
 */
export function powershellScript(specs: Readonly<Record<string, CommandSpec>>): string {
  const entries = Object.entries(specs);
  const words = entries.map(([name, spec]) => {
    const all = [...(spec.words ?? []), ...Object.keys(spec.options).map((one) => `--${one}`)];
    return `    '${name}' = ${list(all)}\n`;
  });
  const values = entries.flatMap(([name, { options }]) =>
    Object.entries(options)
      .filter(([, { type }]) => type === 'string')
      .map(([option, { choices }]) => `    '${name} --${option}' = ${list(choices ?? [])}\n`),
  );
  return `# Completion of latchkey for PowerShell:  latchkey completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName latchkey -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${words.join('')}  }
  $values = @{
${values.join('')}  }
  $said = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  if ($wordToComplete -ne '' -and $said.Count -gt 1) { $said = @($said[0..($said.Count - 2)]) }
  $found = if ($said -contains '--') { @() }
  elseif ($said.Count -lt 2) { $words.Keys | Sort-Object }
  elseif ($values.ContainsKey("$($said[1]) $($said[-1])")) { $values["$($said[1]) $($said[-1])"] }
  else { $words[$said[1]] }
  $found | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}

function list(words: readonly string[]): string {
  return `@(${words.map((word) => `'${word}'`).join(', ')})`;
}
