import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDED, hostile, record, WHOLE, written } from './records.ts';

interface Cef {
  readonly header: readonly string[];
  readonly extension: Readonly<Record<string, string>>;
}

/** Reads a line as receivers do: seven header fields, then keys that no `=` in a value can begin. */
function parseCef(line: string): Cef {
  assert.doesNotMatch(line, /[\r\n]/);
  const match = /^((?:(?:[^\\|]|\\[\\|])*\|){7})(.*)$/.exec(line);
  assert.ok(match, line);
  const header = (match[1] ?? '')
    .slice(0, -1)
    .split(/(?<=(?:^|[^\\])(?:\\\\)*)\|/)
    .map((text) => text.replaceAll(/\\([\\|])/g, '$1'));
  const rest = match[2] ?? '';
  const keys = [...rest.matchAll(/(?:^| )([A-Za-z0-9]+)(?<!\\)=/g)];
  const extension = keys.map((key, at) => {
    const start = key.index + key[0].length;
    const raw = rest.slice(start, keys[at + 1]?.index ?? rest.length);
    const value = raw.replaceAll(/\\([\\=nr])/g, (_, escaped: string) =>
      escaped === 'n' ? '\n' : escaped === 'r' ? '\r' : escaped,
    );
    return [key[1] ?? '', value] as const;
  });
  assert.equal(new Set(keys.map((key) => key[1])).size, keys.length, 'a key is there twice');
  return { header, extension: Object.fromEntries(extension) };
}

const cef = (...records: Parameters<typeof record>): Cef =>
  parseCef(written('cef', record(...records))[0] ?? '');

test('a refusal in the Common Event Format', () => {
  const { header, extension } = cef('request', { ...WHOLE, decision: 'deny', code: 'scope' });
  assert.deepEqual(header, [
    'CEF:0',
    'Latchkey',
    'Latchkey relay',
    '1.2.3',
    'request:scope',
    'Request denied',
    '6',
  ]);
  assert.equal(extension['suid'], WHOLE.user);
  assert.equal(extension['src'], WHOLE.ip);
  assert.equal(extension['requestMethod'], 'GET');
  assert.equal(extension['request'], WHOLE.path);
  assert.equal(extension['act'], 'deny');
  assert.equal(extension['cn1Label'], 'seq');
});

test('an outcome has what its request said', () => {
  const [, line = ''] = written('cef', record('request', WHOLE), record('outcome', ENDED));
  const { extension } = parseCef(line);
  assert.equal(extension['src'], WHOLE.ip);
  assert.equal(extension['request'], WHOLE.path);
  assert.equal(extension['cn2'], '200');
  assert.equal(extension['outcome'], 'success');
});

test('an IPv6 address has its own field', () => {
  const { extension } = cef('request', { ...WHOLE, ip: '2001:db8::1' });
  assert.equal(extension['c6a2'], '2001:db8::1');
  assert.equal(extension['src'], undefined);
});

test('pipes, equals signs, backslashes and line ends open no field', () => {
  const userName = 'a|b\\ act=allow\r\nCEF:0|x|y|z|1|2|3|suid=root';
  const { header, extension } = cef('request', { ...WHOLE, userName, decision: 'deny' });
  assert.equal(header.length, 7);
  assert.equal(extension['suser'], userName);
  assert.equal(extension['act'], 'deny');
  assert.equal(extension['suid'], WHOLE.user);
});

test('a code cannot leave the header', () => {
  const code = 'x|9|y=\\|\n';
  const { header } = cef('request', { ...WHOLE, code });
  assert.equal(header[4], 'request:x|9|y=\\| ');
  assert.equal(header.length, 7);
});

test('any text comes back but for characters that CEF cannot write', () => {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  const unwritable = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029]/g;
  fc.assert(
    fc.property(hostile, (userName) => {
      const { extension } = cef('request', { userName, detail: `${userName}=` });
      assert.equal(extension['suser'], userName.replaceAll(unwritable, ' '));
      assert.equal(extension['msg'], `${userName.replaceAll(unwritable, ' ')}=`);
    }),
  );
});
