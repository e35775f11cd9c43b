import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordable } from '../../audit/fields.ts';
import type { AuditFields } from '../../audit/record.ts';

const present = (given: AuditFields): unknown =>
  Object.fromEntries(Object.entries(recordable(given)).filter(([, value]) => value !== undefined));

test('members that a record may not hold are left behind', () => {
  const given = { user: 'ada', accessToken: 'secret', tool: { name: 'curl', argv: 'secret' } };
  assert.deepEqual(present(given), { user: 'ada', tool: { name: 'curl' } });
});

test('a member of the wrong type is refused', () => {
  for (const given of [{ status: '200' }, { user: 7 }, { status: NaN }, { tool: 'curl' }]) {
    assert.throws(() => recordable(given as never), TypeError);
  }
});

test('half a surrogate pair in a name does not stop the record', () => {
  assert.deepEqual(present({ userName: 'A\ud800da 😀' }), { userName: 'A\ufffdda 😀' });
});
