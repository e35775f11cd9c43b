import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormatter } from '../../../audit/formats/format.ts';
import { hostile, record, WHOLE, written } from './records.ts';

/** The grammar of RFC 4180 §2, and nothing more. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let at = 0;
  function field(): string {
    if (text[at] !== '"') {
      const plain = /[^",\r\n]*/y;
      plain.lastIndex = at;
      const [value = ''] = plain.exec(text) ?? [];
      at += value.length;
      return value;
    }
    const quoted = /"((?:[^"]|"")*)"/y;
    quoted.lastIndex = at;
    const match = quoted.exec(text);
    assert.ok(match, `an open quote at ${at}`);
    at += match[0].length;
    return (match[1] ?? '').replaceAll('""', '"');
  }
  while (at < text.length) {
    const row = [field()];
    while (text[at] === ',') {
      at += 1;
      row.push(field());
    }
    assert.equal(text.slice(at, at + 2), '\r\n', `no line end at ${at}`);
    at += 2;
    rows.push(row);
  }
  return rows;
}

const formatter = createFormatter('csv', { version: '1' });
const columns = formatter.head.trimEnd().split(',');

function columnsOf(line: string): Record<string, string> {
  const [row = []] = parseCsv(`${line}\r\n`);
  assert.equal(row.length, columns.length);
  return Object.fromEntries(columns.map((name, at) => [name, row[at] ?? '']));
}

test('the columns are what imports by position rely on', () => {
  assert.equal(
    formatter.head,
    'seq,id,at,kind,side,requestId,traceId,issuer,user,userName,clientId,tool.name,tool.pid,tool.key,ip,api,' +
      'rule,method,path,decision,code,status,upstream,bytesIn,bytesOut,durationMs,closedBy,tokenId,authTime,' +
      'acr,binding,configHash,count,detail,hash,prev,who\r\n',
  );
});

test('members stand in their columns', () => {
  const [line = ''] = written('csv', record('request', WHOLE));
  const row = columnsOf(line);
  assert.equal(row['user'], WHOLE.user);
  assert.equal(row['tool.pid'], '4711');
  assert.equal(row['path'], WHOLE.path);
  assert.equal(row['status'], '');
});

test('what a spreadsheet would calculate is a text', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r', '\n']) {
    const path = `${start}cmd|' /C calc'!A0`;
    const row = columnsOf(written('csv', record('request', { ...WHOLE, path }))[0] ?? '');
    assert.equal(row['path'], `'${path}`);
  }
});

test('numbers stay numbers, below zero too', () => {
  const [line = ''] = written('csv', record('outcome', { durationMs: -1 }));
  assert.equal(columnsOf(line)['durationMs'], '-1');
});

/** Written out apart from the product's: all of Unicode's Cc but tab and line ends, and its line separators. */
function visible(text: string): string {
  return text.replaceAll(
    /[^\P{Cc}\t\r\n]|[\u2028\u2029]/gu,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

test('control characters in a name are seen, and end nothing', () => {
  const userName = 'ada\0=cmd\u001b[2K\u007f\u0085\u2028x';
  const [line = ''] = written('csv', record('request', { userName }));
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u2028\u2029]/);
  const seen = String.raw`ada\u0000=cmd\u001b[2K\u007f\u0085\u2028x`;
  assert.equal(columnsOf(line)['userName'], seen);
  const hidden = columnsOf(written('csv', record('request', { userName: '\0=cmd' }))[0] ?? '');
  assert.equal(hidden['userName'], String.raw`\u0000=cmd`, 'no formula behind what is not shown');
});

test('any text comes back, control characters as they are shown, and no line begins a formula', () => {
  fc.assert(
    fc.property(hostile, hostile, (userName, path) => {
      const row = columnsOf(written('csv', record('request', { userName, path }))[0] ?? '');
      for (const [name, value] of Object.entries({ userName, path })) {
        const text = visible(value);
        assert.equal(row[name], /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text);
        assert.doesNotMatch(row[name] ?? '', /^[=+\-@\t\r\n]/);
      }
    }),
  );
});
