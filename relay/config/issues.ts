import type { z } from 'zod';
import type { RawFault } from './document.ts';
import { relaySchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

const WORDS: Readonly<Record<string, string>> = {
  object: 'a mapping of keys',
  record: 'a mapping of keys',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** Optimal string alignment would be more than a typo needs: one edit or one swap in three letters. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function closest(key: string, allowed: readonly string[]): string | undefined {
  const lower = key.toLowerCase().slice(0, 64);
  const [best] = allowed
    .map((name) => ({ name, far: distance(lower, name.toLowerCase()) }))
    .filter(({ far, name }) => far <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.far - b.far);
  return best?.name;
}

interface Definition {
  readonly type: string;
  readonly innerType?: { readonly def: Definition };
  readonly in?: { readonly def: Definition };
  readonly element?: { readonly def: Definition };
  readonly rest?: { readonly def: Definition } | null;
  readonly out?: { readonly def: Definition };
  readonly valueType?: { readonly def: Definition };
  readonly shape?: Readonly<Record<string, { readonly def: Definition }>>;
  readonly options?: readonly { readonly def: Definition }[];
}

function unwrapped(definition: Definition): Definition {
  // A list that may be written as its element begins with a transformation, which has no shape.
  const input = definition.in?.def.type === 'transform' ? definition.out : definition.in;
  const inner = definition.innerType ?? input;
  if (inner) return unwrapped(inner.def);
  // Of `off` or a block, the block has keys.
  const block = definition.options?.find((option) => unwrapped(option.def).shape !== undefined);
  return block ? unwrapped(block.def) : definition;
}

function allowedKeys(path: readonly PropertyKey[]): readonly string[] {
  let at: Definition | undefined = relaySchema.def as unknown as Definition;
  for (const step of path) {
    const list: Definition = unwrapped(at);
    const here = typeof step === 'string' && list.rest ? unwrapped(list.rest.def) : list;
    const next: { readonly def: Definition } | undefined =
      here.element ?? here.rest ?? here.valueType ?? here.shape?.[String(step)];
    if (!next) return [];
    at = next.def;
  }
  const last = unwrapped(at);
  return Object.keys((last.rest ? unwrapped(last.rest.def) : last).shape ?? {});
}

function unknownKeys(path: readonly (string | number)[], keys: readonly string[]): RawFault[] {
  const allowed = allowedKeys(path);
  return keys.map((key) => {
    const guess = closest(key, allowed);
    const hint = guess === undefined ? '' : `; did you mean \`${guess}\`?`;
    return {
      path: [...path, key],
      message: `unknown key${hint} (allowed: ${allowed.join(', ')})`,
      atKey: true,
    };
  });
}

function wordsOf(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return `must be ${WORDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid'))
    return `must be one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

function asWritten(
  path: readonly (string | number)[],
  exists: (path: readonly (string | number)[]) => boolean,
): readonly (string | number)[] {
  // A list may be written as its one element, which then stands where the list would.
  const at = path.findIndex(
    (step, index) =>
      step === 0 && exists(path.slice(0, index)) && !exists(path.slice(0, index + 1)),
  );
  return at < 0 ? path : [...path.slice(0, at), ...path.slice(at + 1)];
}

/** What is wrong within the one alternative that was meant: the one whose keys were looked at. */
function meant(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const [branch, ...others] = issue.errors.filter((issues) =>
    issues.some(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  if (branch === undefined || others.length > 0) return [issue];
  return branch.flatMap((inner) => meant({ ...inner, path: [...issue.path, ...inner.path] }));
}

/**
 * Turns what the schema found into faults in words for people.
 *
 * @param issues zod's
 * @param exists whether a path is in the file
 * @returns a fault each, unknown keys one by one
 */
export function schemaFaults(
  issues: readonly Issue[],
  exists: (path: readonly (string | number)[]) => boolean,
): RawFault[] {
  return issues.flatMap(meant).flatMap((issue): RawFault[] => {
    const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const path = asWritten(steps, exists);
    if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys);
    if (issue.code === 'invalid_key')
      return [{ path, message: issue.issues[0]?.message ?? 'is not allowed here', atKey: true }];
    const message = wordsOf(issue);
    return [{ path, message: exists(path) ? message : `is missing; it ${message}` }];
  });
}
