import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseJsonObject } from '../../../relay/auth/json.ts';

const parse = (text: string) => parseJsonObject(Buffer.from(text));

void test('an object is parsed as JSON.parse would', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value);
      const result = parse(text);
      assert.ok(result.kind === 'object', text);
      assert.deepEqual(result.value, JSON.parse(text));
    }),
  );
});

void test('a member that occurs twice is refused at any level and in any spelling', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"b":2,"a":3}}',
    '{"x":[1,{"a":1},{"a":1,"a":2}]}',
    '{"a" : 1, "b":[], "a"\n:2}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{"\\"":1,"\\"":2}',
  ])
    assert.equal(parse(text).kind, 'refused', text);
});

void test('equal names in different objects, and names as values, are fine', () => {
  for (const text of [
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"x\\\\","b":1}',
    '{"a":"}{][","b":"\\":"}',
  ])
    assert.equal(parse(text).kind, 'object', text);
});

void test('what is no object, or nested too deeply, is refused', () => {
  for (const text of ['[]', '"a"', '1', 'null', 'true', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`])
    assert.equal(parse(text).kind, 'refused', text);
});

void test('what is not JSON says so: broken text, a byte order mark, bad UTF-8, deep rubbish', () => {
  for (const bytes of [
    Buffer.from(''),
    Buffer.from('{'),
    Buffer.from("{'a':1}"),
    Buffer.from('{"a":1}x'),
    Buffer.from('\uFEFF{"a":1}'),
    Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
    Buffer.from([0x7b, 0x22, 0xc0, 0xae, 0x22, 0x3a, 0x31, 0x7d]),
    Buffer.from('['.repeat(100_000)),
  ])
    assert.equal(parseJsonObject(bytes).kind, 'not_json', bytes.toString('latin1').slice(0, 20));
});
