import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { ALLOWED, type Allowed } from './allowed.ts';
import type { FoundSecret, SecretKind } from './shapes.ts';

/** Names the file in which test processes leave what they found. */
export const FINDINGS_VARIABLE = 'LATCHKEY_LEAKS_FILE';

/** Token material in some output. */
export interface Finding {
  /** The test file, below the root. */
  readonly file: string;
  /** Its line from which the output came, as far as known. */
  readonly line: number | undefined;
  readonly kind: SecretKind;
  /** What printed it: `stdout of node …`, `latchkey.log`. */
  readonly source: string;
  /** Of the material only so much that it can be found. */
  readonly hint: string;
}

/**
 * Says enough of a secret to find it, and too little to use it.
 *
 * @param secret what was found
 * @returns its beginning and its length
 */
export function hintOf({ text }: FoundSecret): string {
  return `${text.slice(0, 12)}… (${text.length} characters)`;
}

/**
 * Leaves a finding for the runner, at once: the process may not live long.
 *
 * @param path of the file of findings
 * @param finding what was found
 */
export function leaveFinding(path: string, finding: Finding): void {
  appendFileSync(path, `${JSON.stringify(finding)}\n`);
}

/**
 * Reads what test processes left.
 *
 * @param path of the file of findings
 * @param allowed what may be printed
 * @returns the leaks, each once
 */
export function readLeaks(path: string, allowed: readonly Allowed[] = ALLOWED): readonly Finding[] {
  if (!existsSync(path)) return [];
  const lines = new Set(readFileSync(path, 'utf8').split('\n'));
  lines.delete('');
  const seen = new Set<string>();
  return [...lines]
    .map((line) => JSON.parse(line) as Finding)
    .filter(({ file, kind }) => !allowed.some((one) => one.file === file && one.kind === kind))
    .filter(({ file, line, kind, source }) => {
      const place = JSON.stringify([file, line, kind, source]);
      const isNew = !seen.has(place);
      seen.add(place);
      return isNew;
    });
}

/**
 * Writes a leak for people.
 *
 * @param leak a finding that is not allowed
 * @returns one line
 */
export function formatLeak({ file, line, kind, source, hint }: Finding): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${kind} in ${source}: ${hint}`;
}
