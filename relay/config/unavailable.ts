import type { RawFault } from './document.ts';
import { select } from './select.ts';

interface Row {
  readonly pattern: string;
  /** The values that mean "not used" and are therefore fine; absent: none is. */
  readonly fine?: (value: unknown) => boolean;
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
/** Usable only with the value that means "not used". */
const HIDDEN = new Set(['audit.sinks']);

/** Keys of the file's final shape without an effect in this version. To make one available, delete its row. */
const rows: readonly Row[] = [
  { pattern: 'apis.*.audit.retention' },
  { pattern: 'audit.retention' },
  { pattern: 'audit.sinks', fine: isEmptyList },
];

/** Keys without any value that this version can use. */
export const unavailablePatterns: ReadonlySet<string> = new Set(
  rows
    .filter(({ pattern, fine }) => fine === undefined || HIDDEN.has(pattern))
    .map(({ pattern }) => pattern),
);

/**
 * Finds what the file asks for that this version cannot do, so that nothing is silently ignored.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function unavailableFaults(values: unknown): readonly RawFault[] {
  return rows.flatMap(({ pattern, fine }) =>
    select(values, pattern)
      .filter(({ value }) => !(fine?.(value) ?? false))
      .map(({ path }) => ({
        path,
        message: `\`${String(path.at(-1))}\` is not available in this version${
          fine ? ' with this value' : '; remove it'
        }`,
        atKey: true,
      })),
  );
}
