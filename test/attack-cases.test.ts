import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const rows = readFileSync(join(root, 'docs/attack-cases.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| *[0-9]/.test(line))
  .map((line) => {
    const [, number = '', attack = '', answer = '', tests = ''] = line.split('|');
    return {
      number: Number(number),
      attack: attack.trim(),
      answer: answer.trim(),
      tests: tests.split('<br>').map((one) => /^`([^`]+)`: (.+)$/.exec(one.trim())),
    };
  });

/** Where names of tests begin in a file: after a quote. */
function namesTest(file: string, name: string): boolean {
  if (!existsSync(join(root, file))) return false;
  const source = readFileSync(join(root, file), 'utf8');
  return ["'", '"', '`'].some((quote) => source.includes(quote + name));
}

test('each of the 50 attack cases is there once, in order', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 50 }, (_, at) => at + 1),
  );
});

test('each attack case says what it is, what the relay answers and which test shows it', () => {
  const missing = rows.flatMap(({ number, attack, answer, tests }) => {
    if (attack === '' || answer === '') return [`case ${number}: an empty cell`];
    return tests.flatMap((found) => {
      const [, file = '', name = ''] = found ?? [];
      return namesTest(file, name) ? [] : [`case ${number}: ${file} has no test "${name}"`];
    });
  });
  assert.deepEqual(missing, []);
});
