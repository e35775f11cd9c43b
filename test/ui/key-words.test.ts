import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ToolKeyView } from '../../app/main/ipc/tool-key-views.ts';
import {
  agoWords,
  dayWords,
  endWords,
  lifetimes,
  scopeWords,
  useWords,
} from '../../app/renderer/key-words.ts';

const now = Date.parse('2026-11-29T12:00:00.000Z');
const DAY_MS = 86_400_000;
const at = (afterMs: number): string => new Date(now + afterMs).toISOString();
const key = (more: Partial<ToolKeyView> = {}): ToolKeyView => ({
  id: 'key_0123456789ab',
  name: 'Nightly report',
  createdAt: at(-DAY_MS),
  ...more,
});

test('what a key opens: every API or some, with which methods', () => {
  assert.equal(scopeWords(key()), 'Every API');
  assert.equal(scopeWords(key({ apis: ['billing'] })), 'billing');
  assert.equal(
    scopeWords(key({ apis: ['billing', 'payroll'], methods: ['GET', 'POST', 'PUT'] })),
    'billing and payroll, GET, POST and PUT',
  );
  assert.equal(scopeWords(key({ readOnly: true })), 'Every API, read-only');
});

test('a key that opens nothing says so, never that it opens everything', () => {
  assert.equal(scopeWords(key({ apis: [] })), 'No API');
  assert.equal(scopeWords(key({ methods: [] })), 'Every API, no method');
});

describe('when a key ends', () => {
  test('never, with its run, or after a time', () => {
    assert.equal(endWords(key(), now), 'never');
    assert.equal(endWords(key({ lent: true, expiresAt: at(DAY_MS) }), now), 'with its run');
    assert.equal(endWords(key({ expiresAt: at(30 * DAY_MS) }), now), 'in 30 days');
    assert.equal(endWords(key({ expiresAt: at(1) }), now), 'in 1 min');
  });

  test('the moment itself is past, and a time that is none counts as past', () => {
    assert.equal(endWords(key({ expiresAt: at(0) }), now), 'expired');
    assert.equal(endWords(key({ expiresAt: at(-DAY_MS) }), now), 'expired');
    assert.equal(endWords(key({ expiresAt: 'soon' }), now), 'expired');
  });
});

describe('how long ago', () => {
  test('less than a minute, and a clock that was turned back, are just now', () => {
    for (const ms of [0, -59_999, 5000]) assert.equal(agoWords(at(ms), now), 'just now');
  });

  test('minutes, an hour, hours, days', () => {
    const told = [60_000, 59 * 60_000, 3_600_000, 3 * 3_600_000, 9 * DAY_MS].map((ms) =>
      agoWords(at(-ms), now),
    );
    assert.deepEqual(told, ['1 min ago', '59 min ago', '1 hour ago', '3 hours ago', '9 days ago']);
  });

  test('a time that is none is not told as one', () => {
    assert.equal(agoWords('yesterday', now), 'at an unknown time');
  });
});

describe('when and by what a key was last used', () => {
  test('never, without a tool, and with one', () => {
    assert.equal(useWords(key(), now), 'never');
    assert.equal(useWords(key({ lastUsedAt: at(-60_000) }), now), '1 min ago');
    assert.equal(
      useWords(key({ lastUsedAt: at(-60_000), lastTool: 'curl' }), now),
      '1 min ago by curl',
    );
  });

  test('a tool’s name, which comes from outside, stays within itself', () => {
    const told = (lastTool: string): string => useWords(key({ lastUsedAt: at(0), lastTool }), now);
    assert.equal(told('כלי'), 'just now by \u2068כלי\u2069');
    assert.equal(told('cu\u202Erl\n'), 'just now by cu\u{FFFD}rl\u{FFFD}');
    assert.ok(told('x'.repeat(5000)).endsWith('x'));
  });
});

test('a day is written with its year; a time that is none is not shown as one', () => {
  assert.match(dayWords('2026-11-29T12:00:00.000Z'), /2026/u);
  assert.equal(dayWords(''), 'unknown day');
});

test('lifetimes grow, and only the last has no end', () => {
  const values = lifetimes.map(({ value }) => (value === '' ? Infinity : Number(value)));
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
  assert.equal(values.filter((value) => value === Infinity).length, 1);
  assert.equal(values[2], 30 * DAY_MS);
});
