import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const rows = [
  ...read('docs/attack-cases.md').matchAll(/^\| (\d+) \|.*\| `(test\/[^`]+)`: (.+) \|$/gm),
].map(([, number, file = '', name = '']) => ({ number: Number(number), file, name }));

test('docs/attack-cases.md has each of the 50 cases once', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 50 }, (_, at) => at + 1),
  );
});

test('each case has the test that the page names', () => {
  for (const { number, file, name } of rows) {
    const quoted = [...read(file).matchAll(/(['`"])((?:(?!\1).)+)\1/g)].map(([, , text]) => text);
    assert.ok(
      quoted.some((text) => text?.includes(name)),
      `case ${number}: ${file} has no test "${name}"`,
    );
  }
});
