import type { ASTNode } from '@marcbachmann/cel-js';

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);
const CLOCK: ReadonlySet<string> = new Set([
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getFullYear',
  'getHours',
  'getMilliseconds',
  'getMinutes',
  'getMonth',
  'getSeconds',
]);
const METHODS: ReadonlySet<string> = new Set([
  ...LOOPS,
  ...CLOCK,
  'contains',
  'endsWith',
  'indexOf',
  'lastIndexOf',
  'size',
  'split',
  'startsWith',
  'substring',
  'trim',
]);
const FUNCTIONS: ReadonlySet<string> = new Set([
  'bool',
  'double',
  'duration',
  'has',
  'int',
  'size',
  'string',
  'timestamp',
]);
const FOLDING = 'it folds letters beyond ASCII too (the Kelvin sign is no k); list the spellings';
/** Why something of CEL is missing, where somebody will ask. */
const REASONS: ReadonlyMap<string, string> = new Map([
  [
    'matches',
    'a text could be chosen that takes it for ever; use startsWith, endsWith, contains or ==',
  ],
  ['lowerAscii', FOLDING],
  ['upperAscii', FOLDING],
]);
const DURATION = /^[-+]?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[-+]\d\d:\d\d)$/;

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** The variable that a value is taken from: `o` of `o.roles.split(" ")`. */
function rootOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op === '.' || node.op === '[]') return rootOf(node.args[0]);
  return node.op === 'rcall' ? rootOf(node.args[1]) : undefined;
}

const textOf = (node: ASTNode | undefined): string | undefined =>
  node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined;

function isZone(name: string | undefined): boolean {
  if (name === undefined) return false;
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const unavailable = (name: string): string =>
  `uses ${name}(), which is not available${REASONS.has(name) ? `: ${REASONS.get(name)}` : ' in conditions'}`;

function callFault(name: string, args: readonly ASTNode[]): string | undefined {
  if (!FUNCTIONS.has(name)) return unavailable(name);
  const text = textOf(args[0]);
  // The library takes cubic time for a run of digits, so no caller may choose them.
  if (name === 'duration' && !DURATION.test(text ?? ''))
    return 'uses duration() on something else than a text written in it, such as duration("15m")';
  if (name === 'timestamp' && text !== undefined && !RFC3339.test(text))
    return 'has a timestamp() without date, time and zone, such as timestamp("2027-01-31T08:00:00Z")';
  return undefined;
}

function loopFault(
  name: string,
  receiver: ASTNode,
  element: string | undefined,
): string | undefined {
  if (element === undefined || rootOf(receiver) === element) return undefined;
  // Loops over the same values would multiply: a query of thousands of parameters costs seconds.
  return receiver.op === 'list' && receiver.args.every(({ op }) => op === 'value')
    ? undefined
    : `loops by ${name}() inside of a loop over something else than \`${element}\`'s own members`;
}

function methodFault(name: string, args: readonly ASTNode[]): string | undefined {
  if (!METHODS.has(name)) return unavailable(name);
  return CLOCK.has(name) && args.length > 0 && !isZone(textOf(args[0]))
    ? `uses ${name}() with something else than a time zone written in it, such as "Europe/Berlin"`
    : undefined;
}

/**
 * Finds what a condition must not use: whatever takes more time than its input is long, or doesn't do what it says.
 *
 * @param node the parsed expression
 * @param element the name of the element of the innermost loop around it
 * @returns what is wrong, as a sentence's end; undefined when nothing is
 */
export function usageFault(node: ASTNode, element?: string): string | undefined {
  if (node.op === 'rcall' && LOOPS.has(node.args[0])) {
    const [name, receiver, [variable, ...body]] = node.args;
    const inner = variable?.op === 'id' ? variable.args : element;
    return (
      loopFault(name, receiver, element) ?? usageFault(receiver, element) ?? firstFault(body, inner)
    );
  }
  const fault =
    node.op === 'call'
      ? callFault(...node.args)
      : node.op === 'rcall'
        ? methodFault(node.args[0], node.args[2])
        : undefined;
  return fault ?? firstFault(childrenOf(node), element);
}

function firstFault(nodes: readonly ASTNode[], element: string | undefined): string | undefined {
  for (const node of nodes) {
    const fault = usageFault(node, element);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
