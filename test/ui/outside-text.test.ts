import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { outsideText } from '../../ui/outside-text.ts';

test('names of all scripts and emoji stay as they are', () => {
  for (const name of ['', 'Zoë Åström', '王小明', 'Ελένη', '👩‍💻 Ann'])
    assert.equal(outsideText(name), name);
});

test('what is read from right to left cannot reach beyond itself', () => {
  for (const name of ['דנה לוי', 'ليلى', 'Ann (אן)'])
    assert.equal(outsideText(name), `\u2068${name}\u2069`);
});

test('joiners, which some scripts need, are kept', () => {
  assert.equal(outsideText('می\u200Cخواهم'), '\u2068می\u200Cخواهم\u2069');
});

test('whatever steers, breaks or hides is one visible mark', () => {
  const harmful = ['\u0000', '\u001B', '\r\n', '\u2028', '\u202E', '\u2066', '\u200B'];
  for (const text of [...harmful, '\uFEFF', '\uD800', '\u0085'])
    assert.equal(outsideText(`a${text}b`), 'a\u{FFFD}b');
});

test('nothing that steers is left, whatever comes in, and isolates are closed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = outsideText(text);
      const inside = /^\u2068(?<inside>.*)\u2069$/su.exec(shown)?.groups?.['inside'] ?? shown;
      assert.doesNotMatch(inside, /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u);
    }),
  );
});

test('a name as long as a book takes no longer than reading it', () => {
  const name = 'Ä'.repeat(1_000_000);
  assert.equal(outsideText(name), name);
});
