import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, writeRequests } from '../audit/ledger-dir.ts';

/** A closed ledger, and the text of its two checkpoints. */
async function written(t: TestContext) {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await writeRequests(ledger, 3);
  await ledger.close();
  const path = join(dir, 'checkpoints.jsonl');
  return { dir, path, text: readFileSync(path, 'utf8') };
}

const lastLine = (text: string, change: (line: string) => string): string => {
  const lines = text.trimEnd().split('\n');
  return `${[...lines.slice(0, -1), change(lines.at(-1) ?? '')].join('\n')}\n`;
};

/** None of them changes what a JSON parser makes of a line. */
const attacks: Readonly<Record<string, (text: string) => string>> = {
  'a member put in front a second time': (text) =>
    lastLine(text, (line) => line.replace('{', '{"seq":999999,')),
  'a hash put in front a second time': (text) =>
    lastLine(text, (line) => line.replace('{', `{"hash":"${'f'.repeat(64)}",`)),
  'a space between members': (text) => lastLine(text, (line) => line.replace(',', ', ')),
  'a space behind the line': (text) => lastLine(text, (line) => `${line} `),
  'a carriage return behind the line': (text) => lastLine(text, (line) => `${line}\r`),
  'another order of members': (text) =>
    lastLine(text, (line) => {
      const members = Object.entries(JSON.parse(line) as object).toReversed();
      return JSON.stringify(Object.fromEntries(members));
    }),
  'another spelling of a letter': (text) =>
    lastLine(text, (line) => line.replace('"seq"', String.raw`"\u0073eq"`)),
  'an empty line at the end': (text) => `${text}\n`,
};

for (const [attack, change] of Object.entries(attacks)) {
  test(`checkpoints: ${attack} is found`, async (t) => {
    const { dir, path, text } = await written(t);
    const changed = change(text);
    assert.notEqual(changed, text);
    writeFileSync(path, changed);
    const { ok, faults } = await verifyLedger(dir);
    assert.equal(ok, false);
    assert.match(
      faults[0]?.what ?? '',
      /^checkpoint line [23]: not a checkpoint, or not as it was written$/,
    );
  });
}

test('checkpoints kept elsewhere may have the line ends of a mail', async (t) => {
  const { dir, text } = await written(t);
  const kept = `${dir}.kept`;
  writeFileSync(kept, `${text.replaceAll('\n', '\r\n')}\r\n`);
  const { faults, checkpoints } = await verifyLedger(dir, { checkpointFile: kept });
  assert.deepEqual([faults, checkpoints], [[], 4]);
});
