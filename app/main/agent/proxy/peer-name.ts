/** Interpreters whose script says more than they do, with the options that take no value of their own. */
const INTERPRETERS: readonly (readonly [program: RegExp, harmless: RegExp])[] = [
  [/^python[\d.]*$/, /^-[bBdEIOPqsSuvx]+$/],
  [/^(?:node|nodejs)$/, /^--(?:inspect|inspect-brk|no-warnings|(?!eval|print)[a-z-]+=.*)$/s],
  [/^java$/, /^-(?:jar|server|X(?:m[nsx]|ss)\d+[kKmMgG]?)$/],
  [/^(?:ruby|perl|php|deno|bun|dotnet|sh|bash|dash|zsh)[\d.]*$/, /^run$/],
];

const LENGTH = 64;

/**
 * Names a program for audit records and messages: the executable's base name and, of an interpreter,
 * its script's. Arguments may be secrets, and code in an argument (`-c`, `-e`) is one: none is named.
 *
 * @param executable where `/proc/PID/exe` points; empty when that can't be read
 * @param commandLine the command line, its words separated by NUL
 * @returns such as `curl` or `python3.12 report.py`; empty when nothing is known
 */
export function programName(executable: string, commandLine: string): string {
  const [command = '', ...args] = commandLine.split('\0');
  // Some programs write their whole command line into its first word.
  const program =
    base(executable.replace(/ \(deleted\)$/, '')) || base(command.split(' ')[0] ?? '');
  const script = scriptOf(program, args);
  return plain(script === undefined ? program : `${program} ${script}`);
}

function scriptOf(program: string, args: readonly string[]): string | undefined {
  const harmless = INTERPRETERS.find(([name]) => name.test(program))?.[1];
  const script = harmless && args.find((arg) => !harmless.test(arg));
  // An option that isn't known may take a value, or turn what follows into data.
  return script && !script.startsWith('-') ? base(script) : undefined;
}

const base = (path: string): string => path.split('/').at(-1) ?? '';

/** Fit for a header's quoted string and for a terminal. */
const plain = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9 ._+@:-]/g, '_').slice(0, LENGTH);
