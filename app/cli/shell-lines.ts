import type { lineShells } from './specs.ts';

/** A shell for which lines can be written. */
export type LineShell = (typeof lineShells)[number];

/**
 * Writes the line that sets one variable.
 *
 * @param shell whose language
 * @param name letters, digits and `_`
 * @param value any text
 * @returns the line, or `undefined` where the shell has no way to quote the value
 */
export function setLine(shell: LineShell, name: string, value: string): string | undefined {
  // A name is never quoted, and no text of any shell holds a NUL.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) return undefined;
  switch (shell) {
    case 'bash':
    case 'zsh':
      return `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`;
    case 'fish':
      return `set -gx ${name} '${value.replaceAll(/[\\']/g, String.raw`\$&`)}'\n`;
    case 'powershell':
      // PowerShell takes typographic quotes for the plain one.
      return `$env:${name} = '${value.replaceAll(/['‘’‚‛]/g, '$&$&')}'\n`;
    default:
      // For cmd: inside of quotes `%` and `!` are still replaced, and nothing escapes them on a typed line.
      return /["%!\r\n]/.test(value) ? undefined : `set "${name}=${value}"\n`;
  }
}

/**
 * Finds out which shell asks.
 *
 * @param env `SHELL`, `PSModulePath`
 * @param platform as `process.platform`
 * @returns the shell; one that speaks POSIX counts as bash
 */
export function shellOf(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): LineShell {
  const name = /([^/\\]+?)(?:\.exe)?$/.exec(env['SHELL'] ?? '')?.[1];
  if (name === 'fish' || name === 'zsh') return name;
  if (name === 'pwsh') return 'powershell';
  if (platform !== 'win32' || name !== undefined) return 'bash';
  return env['PSModulePath'] === undefined ? 'cmd' : 'powershell';
}
