/** What of an autostart entry counts here. */
export interface DesktopEntry {
  /** Program and arguments, without quotes and field codes. */
  readonly command: readonly string[];
  readonly isEnabled: boolean;
  /** The data folder that Latchkey wrote it for; absent in an entry that somebody else made. */
  readonly dataDir?: string;
}

const group = '[Desktop Entry]';
const dataDirKey = 'X-Latchkey-DataDir';

/**
 * Writes the entry that starts Latchkey at login.
 *
 * @param command program and arguments; free of control characters
 * @param dataDir the data folder that it is for
 * @returns the file's text
 * @see https://specifications.freedesktop.org/desktop-entry-spec/latest/
 */
export function formatDesktopEntry(command: readonly string[], dataDir: string): string {
  const [program = ''] = command;
  const lines = [
    group,
    'Type=Application',
    'Version=1.0',
    'Name=Latchkey',
    `Exec=${escaped(command.map(quoted).join(' '))}`,
    // Once the program is removed, desktops pass over the entry.
    `TryExec=${escaped(program)}`,
    'Icon=latchkey',
    'Terminal=false',
    'StartupNotify=false',
    'X-GNOME-Autostart-enabled=true',
    `${dataDirKey}=${escaped(dataDir)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Reads an entry, whoever wrote it.
 *
 * @param text the file's text
 * @returns what counts; a text that is no entry has an empty command
 */
export function parseDesktopEntry(text: string): DesktopEntry {
  const values = valuesOf(text);
  const dataDir = values.get(dataDirKey);
  return {
    command: splitCommand(values.get('Exec') ?? ''),
    isEnabled:
      values.get('Hidden') !== 'true' && values.get('X-GNOME-Autostart-enabled') !== 'false',
    ...(dataDir !== undefined && { dataDir }),
  };
}

/** The specification's "The Exec key": quotes around whatever is not plainly harmless; `%` begins a field code. */
function quoted(argument: string): string {
  const literal = argument.replaceAll('%', '%%');
  if (/^[\w%+,./:=@-]+$/u.test(literal)) return literal;
  return `"${literal.replaceAll(/["$\\`]/gu, String.raw`\$&`)}"`;
}

/** In each value of type string backslashes are doubled, on top of the quotes' own; spaces around it would be lost. */
const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll(/^ | $/gu, String.raw`\s`);

const escapes: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r' };

function valuesOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let isInside = false;
  for (const line of text.split(/\r?\n/u)) {
    if (line.startsWith('[')) isInside = line.trim() === group;
    const [, key, value] = /^([\w-]+)[ \t]*=[ \t]*(.*?)[ \t]*$/su.exec(line) ?? [];
    if (!isInside || key === undefined || value === undefined) continue;
    values.set(
      key,
      value.replaceAll(/\\(.)/gu, (_, char: string) => escapes[char] ?? char),
    );
  }
  return values;
}

function splitCommand(exec: string): readonly string[] {
  const words = exec.match(/"(?:\\.|[^"\\])*"|[^\s"]+/gu) ?? [];
  return words
    .filter((word) => !/^%[^%]$/u.test(word))
    .map((word) => (word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/gu, '$1') : word))
    .map((word) => word.replaceAll('%%', '%'));
}
