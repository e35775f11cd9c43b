/** What goes where: a file to a file, or a folder's content (a source that ends in `/`) into a folder. */
export interface Placement {
  readonly source: string;
  readonly target: string;
}

/** One package to build, as electron-builder describes it to fpm. */
export interface PackageJob {
  /** `-t`: deb, rpm, … */
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The file to write. */
  readonly output: string;
  readonly maintainer: string;
  readonly vendor?: string;
  readonly url?: string;
  readonly license?: string;
  readonly category?: string;
  readonly priority?: string;
  /** The first line is the summary. */
  readonly description: string;
  /** gz, xz, … */
  readonly compression: string;
  readonly depends: readonly string[];
  readonly recommends: readonly string[];
  /** Maintainer scripts by Debian's names, such as `postinst`. */
  readonly scripts: ReadonlyMap<string, string>;
  readonly placements: readonly Placement[];
}

const flags = new Set(['--force', '--debug']);
const values = new Set(
  (
    '-s -t --log --name --version --architecture --package --maintainer --vendor --url --license ' +
    '--category --deb-priority --description --deb-compression --iteration'
  ).split(' '),
);
const lists = new Set(['-d', '--depends', '--deb-recommends']);
const scriptNames: Readonly<Record<string, string>> = {
  '--before-install': 'preinst',
  '--after-install': 'postinst',
  '--before-remove': 'prerm',
  '--after-remove': 'postrm',
};

/**
 * Reads the arguments that electron-builder gives to fpm. An unknown option is an error: ignoring it
 * could leave out a dependency or a script without anybody noticing.
 *
 * @param args the words after the program's name
 * @returns the package to build
 * @throws {Error} for an unknown option or a missing one
 */
export function readFpmArguments(args: readonly string[]): PackageJob {
  const given = new Map<string, string>();
  const many = new Map<string, string[]>();
  const scripts = new Map<string, string>();
  const placements: Placement[] = [];
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (flags.has(word)) continue;
    if (!word.startsWith('-')) {
      placements.push(readPlacement(word));
      continue;
    }
    const [option, value] = readOption(word, words);
    const script = scriptNames[option];
    if (script !== undefined) scripts.set(script, value);
    else if (lists.has(option)) many.set(option, [...(many.get(option) ?? []), value]);
    else if (values.has(option)) given.set(option, value);
    else throw new Error(`fpm: unknown option ${option}`);
  }
  const required = (option: string): string => {
    const value = given.get(option);
    if (value === undefined || value === '') throw new Error(`fpm: ${option} is missing`);
    return value;
  };
  const iteration = given.get('--iteration');
  return {
    type: required('-t'),
    name: required('--name'),
    version: required('--version') + (iteration === undefined ? '' : `-${iteration}`),
    architecture: required('--architecture'),
    output: required('--package'),
    maintainer: required('--maintainer'),
    description: (given.get('--description') ?? '').trim(),
    compression: given.get('--deb-compression') ?? 'xz',
    depends: [...(many.get('-d') ?? []), ...(many.get('--depends') ?? [])],
    recommends: many.get('--deb-recommends') ?? [],
    scripts,
    placements,
    ...present('vendor', given.get('--vendor')),
    ...present('url', given.get('--url')),
    ...present('license', given.get('--license')),
    ...present('category', given.get('--category')),
    ...present('priority', given.get('--deb-priority')),
  };
}

function readOption(word: string, rest: string[]): readonly [string, string] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
  const value = rest.shift();
  if (value === undefined) throw new Error(`fpm: ${word} has no value`);
  return [word, value];
}

function readPlacement(word: string): Placement {
  const equals = word.indexOf('=');
  const target = word.slice(equals + 1);
  if (equals < 1 || !target.startsWith('/') || target.split('/').includes('..')) {
    throw new Error(`fpm: not SOURCE=/TARGET: ${word}`);
  }
  return { source: word.slice(0, equals), target };
}

const present = <K extends string>(
  key: K,
  value: string | undefined,
): Partial<Record<K, string>> =>
  value === undefined || value === '' ? {} : ({ [key]: value } as Record<K, string>);
