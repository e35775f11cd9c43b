import {
  type Document,
  LineCounter,
  type Pair,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml';
import type { ValuePath } from './select.ts';

/** A fault whose place in the text is known as a path, or as an offset. */
export interface RawFault {
  readonly path: ValuePath;
  readonly message: string;
  /** The fault is the key, not its value. */
  readonly atKey?: boolean;
  /** Where the path says too little: characters from the start. */
  readonly offset?: number;
}

/** The file's values, with the way back from a path to a line. */
export interface ParsedDocument {
  readonly values: unknown;
  readonly faults: readonly RawFault[];
  /** False when the text is so broken that its values mean nothing. */
  readonly readable: boolean;
  /** Line and column from 1 of a path, or of what is nearest above it. */
  readonly positionOf: (fault: RawFault) => { readonly line: number; readonly column: number };
}

// Enough for any sane file; an alias bomb needs thousands.
const MAX_ALIASES = 100;

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function pathOf(ancestors: readonly unknown[]): (string | number)[] {
  return ancestors.flatMap((node, at): (string | number)[] => {
    const next = ancestors[at + 1];
    if (isPair(node)) return [keyText(node.key)];
    if (isSeq(node) && next !== undefined) return [node.items.indexOf(next)];
    return [];
  });
}

function pathAtOffset(document: Document, offset: number): (string | number)[] {
  let path: (string | number)[] = [];
  visit(document, {
    Node(_key, node, ancestors) {
      const start = node.range?.[0];
      if (start !== undefined && start <= offset && !isMap(node) && !isSeq(node))
        path = pathOf([...ancestors, node]);
    },
  });
  return path;
}

function expandEnv(text: string, env: NodeJS.ProcessEnv, fault: (message: string) => void): string {
  return text.replaceAll(/\$(\$?)\{([^}]*)(\}?)/g, (whole, escape: string, name: string, end) => {
    if (escape !== '') return whole.slice(1);
    if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      fault('has a malformed ${…}; write ${NAME}, or $${ for the characters themselves');
      return '';
    }
    const value = env[name];
    if (value === undefined)
      fault(`the environment variable ${name} is not set; set it or write the value here`);
    return value ?? '';
  });
}

function expandScalars(document: Document, env: NodeJS.ProcessEnv): RawFault[] {
  const faults: RawFault[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const path = pathOf([...ancestors, node]);
      node.value = expandEnv(node.value, env, (message) => faults.push({ path, message }));
    },
    Pair(_key, pair) {
      // Assigning such a key can alter an object instead of adding to it, so its content could be lost.
      if (['__proto__', 'constructor', 'prototype'].includes(keyText(pair.key)))
        faults.push({
          path: [keyText(pair.key)],
          message: 'this name cannot be a key',
          ...(isNode(pair.key) && pair.key.range ? { offset: pair.key.range[0] } : {}),
        });
    },
  });
  return faults;
}

function pairOf(node: unknown, name: string): Pair | undefined {
  return isMap(node) ? node.items.find((pair) => keyText(pair.key) === name) : undefined;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);

/** A block of keys begins on the next line: its own key is the better place to point at. */
function placeOf(pair: Pair): number | undefined {
  const value = pair.value;
  const block = (isMap(value) || isSeq(value)) && !value.flow;
  return (block ? undefined : startOf(value)) ?? startOf(pair.key);
}

function offsetOf(document: Document, path: ValuePath, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = pairOf(node, String(step));
    if (pair) {
      const key = atKey && depth === path.length - 1;
      offset = (key ? startOf(pair.key) : placeOf(pair)) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && node.items[step] !== undefined) {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function valuesOf(document: Document, faults: RawFault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch {
    faults.push({
      path: [],
      message: `has an unusable alias, or more than ${MAX_ALIASES} of them`,
    });
    return undefined;
  }
}

const faultTexts: Readonly<Partial<Record<string, string>>> = {
  DUPLICATE_KEY: 'this key is there twice; remove one',
  MULTIPLE_DOCS: 'must be one document: remove the `---` or `...`, or what follows it',
};

/**
 * Parses YAML, expands `${NAME}` in string values and keeps the way back to the lines.
 *
 * @param text the file's text
 * @param env what `${NAME}` is taken from
 * @returns the values and every fault of syntax, duplicate key, tag and variable
 */
export function parseConfigText(text: string, env: NodeJS.ProcessEnv): ParsedDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const problems = [...document.errors, ...document.warnings];
  const faults: RawFault[] = problems.map((problem) => ({
    path: problem.code === 'MULTIPLE_DOCS' ? [] : pathAtOffset(document, problem.pos[0]),
    message: faultTexts[problem.code] ?? `is not usable YAML: ${problem.message}`,
    offset: problem.pos[0],
  }));
  let readable = document.errors.every((problem) => problem.code === 'DUPLICATE_KEY');
  let values: unknown;
  if (readable) {
    const expansion = expandScalars(document, env);
    faults.push(...expansion);
    const before = faults.length;
    values = valuesOf(document, faults);
    readable = faults.length === before;
  }
  return {
    values,
    faults,
    readable,
    positionOf(fault) {
      const offset = fault.offset ?? offsetOf(document, fault.path, fault.atKey ?? false);
      const { line, col } = lineCounter.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
}
