import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readToolName } from '../../relay/tool-name.ts';

test('the tool is the one that the app tells', () => {
  assert.equal(readToolName(['X-Latchkey-Client', '1.2.3; tool="curl"']), 'curl');
  assert.equal(readToolName(['x-latchkey-client', '1.2.3;tool="VS Code 1.2+x"']), 'VS Code 1.2+x');
});

test('what could pass for something else in a report is no name', () => {
  const none: string[][] = [
    [],
    ['X-Latchkey-Client', '1.2.3'],
    ['X-Latchkey-Client', '1.2.3; tool=""'],
    ['X-Latchkey-Client', '1.2.3; tool="<b>curl"'],
    ['X-Latchkey-Client', `1.2.3; tool="${'x'.repeat(65)}"`],
    ['X-Latchkey-Client', '1.2.3; tool="curl"; tool="psql"'],
    ['X-Latchkey-Client', '1; tool="curl"', 'X-Latchkey-Client', '1; tool="psql"'],
  ];
  for (const raw of none) assert.equal(readToolName(raw), undefined, raw.join(' '));
});
