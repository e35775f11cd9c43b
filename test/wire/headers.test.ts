import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import { clientAddress, forwardedFields } from '../../wire/forwarded.ts';
import { foldName, passableTrailers, requestHeaders, responseHeaders } from '../../wire/headers.ts';

const keepAll = { drop: () => false, add: [] };

test('hop-by-hop fields and those that Connection names go no further', () => {
  const raw = [
    'Connection',
    'close, X-One',
    'x-one',
    '1',
    'TE',
    'trailers',
    'X_One',
    '2',
    'B',
    '3',
  ];
  assert.deepEqual(requestHeaders(raw, 'GET', 'h', { kind: 'none' }, keepAll), [
    'Host',
    'h',
    'B',
    '3',
  ]);
});

test('what is added replaces every spelling from outside', () => {
  const raw = ['x.user', 'evil', 'X_USER', 'evil', 'A', '1'];
  assert.deepEqual(
    requestHeaders(
      raw,
      'GET',
      'h',
      { kind: 'none' },
      { drop: () => false, add: ['X-User', 'ann'] },
    ),
    ['Host', 'h', 'A', '1', 'X-User', 'ann'],
  );
});

test('the framing is repeated faithfully', () => {
  const of = (method: string, framing: Parameters<typeof requestHeaders>[3]) =>
    requestHeaders(
      ['Content-Length', '9', 'Transfer-Encoding', 'chunked'],
      method,
      'h',
      framing,
      keepAll,
    ).slice(2);
  assert.deepEqual(of('DELETE', { kind: 'chunked' }), ['Transfer-Encoding', 'chunked']);
  assert.deepEqual(of('PUT', { kind: 'length', bytes: 9 }), ['Content-Length', '9']);
  assert.deepEqual(of('POST', { kind: 'none' }), ['Content-Length', '0']);
  assert.deepEqual(of('GET', { kind: 'none' }), []);
});

test('duplicates in answers are kept, hop-by-hop fields are not', () => {
  assert.deepEqual(
    responseHeaders(
      ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Keep-Alive', 'x', 'Content-Length', '3'],
      keepAll,
    ),
    ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Content-Length', '3'],
  );
});

test('trailers may not carry framing, routing or credentials', () => {
  assert.deepEqual(
    passableTrailers([
      'Content-Length',
      '1',
      'Authorization',
      'x',
      'Grpc-Status',
      '0',
      'Host',
      'h',
    ]),
    [['Grpc-Status', '0']],
  );
});

test('names fold case, underscore and dot', () => {
  assert.equal(foldName('X_Auth.User'), 'x-auth-user');
});

test('forwarded fields are believed only from trusted proxies', () => {
  const trusted = new BlockList();
  trusted.addSubnet('10.0.0.0', 8);
  const chain = ['X-Forwarded-For', '1.1.1.1, 2.2.2.2, 10.0.0.9'];
  assert.equal(clientAddress('::ffff:8.8.8.8', chain, trusted), '8.8.8.8');
  assert.equal(clientAddress('10.0.0.1', chain, undefined), '10.0.0.1');
  assert.equal(
    clientAddress('10.0.0.1', chain, trusted),
    '2.2.2.2',
    'not the one a client may invent',
  );
  assert.equal(
    clientAddress('10.0.0.1', ['Forwarded', 'for="[2001:db8::1]:4711";proto=http'], trusted),
    '2001:db8::1',
  );
  for (const [value, expected] of [
    ['unknown', ''],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:DB8:0::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['203.0.113.9, unknown', ''],
    ['203.0.113.9,', ''],
    ['', ''],
    ['fe80::1%eth0', ''],
    ['unknown, 203.0.113.9', '203.0.113.9'],
  ] as const)
    assert.equal(clientAddress('10.0.0.1', ['X-Forwarded-For', value], trusted), expected, value);
});

test('IPv6 addresses are quoted in Forwarded', () => {
  const [, forwarded] = forwardedFields({ ip: '::1', proto: 'https', host: 'r' });
  assert.equal(forwarded, 'for="[::1]";host="r";proto=https');
});
