import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../audit/record.ts';
import { activityOf, ERASED, personOf } from '../../relay/console/page/record-view.ts';

const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  seq: 1,
  id: '1',
  at: '2026-11-23T10:00:00.000Z',
  kind: 'request',
  side: 'relay',
  hash: 'f'.repeat(64),
  prev: '0'.repeat(64),
  ...more,
});

test('a person goes by name, else by subject; an erased one is named as such, nobody is nobody', () => {
  assert.equal(personOf(record({ userName: 'Alice', user: 'a1', who: 'p1' })), 'Alice');
  assert.equal(personOf(record({ user: 'a1', who: 'p1' })), 'a1');
  assert.equal(personOf(record({ who: 'p1' })), ERASED);
  assert.equal(personOf(record()), undefined);
});

test('a name cannot turn what stands beside it', () => {
  assert.equal(personOf(record({ userName: 'Al\u202Eecila' })), 'Al\u{FFFD}ecila');
  assert.equal(personOf(record({ userName: 'דנה' })), '\u2068דנה\u2069');
});

test('lists get the tool, its key and the writer’s own words as they are', () => {
  const detail = '{"read":"audit"}';
  const shown = activityOf(record({ tool: { name: 'curl', key: 'Nightly' }, detail }));
  assert.deepEqual(
    [shown.tool, shown.toolKey, shown.detail, shown.side],
    ['curl', 'Nightly', detail, 'relay'],
  );
  assert.equal('tool' in activityOf(record()), false);
});
