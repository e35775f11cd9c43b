import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  counted,
  formatBytes,
  formatDuration,
  formatSpan,
  formatTime,
  listed,
  resultText,
} from '../../ui/format.ts';

const HOUR_MS = 3_600_000;

test('sizes go up by 1024, and what is larger than the last unit stays in it', () => {
  const told = [0, 1, 1023, 1024, 1024 * 100, 1024 ** 2 - 1, 1024 ** 2, 1024 ** 5].map(formatBytes);
  assert.deepEqual(told, [
    '0 B',
    '1 B',
    '1023 B',
    '1.0 KB',
    '100 KB',
    '1.0 MB',
    '1.0 MB',
    '1024 TB',
  ]);
});

test('durations never show a part as large as the next', () => {
  const told = [0, 0.4, 999.4, 999.6, 1000, 59_949, 59_960, 60_000, 119_600, 7_325_000].map(
    formatDuration,
  );
  assert.deepEqual(told, [
    '0 ms',
    '0 ms',
    '999 ms',
    '1.0 s',
    '1.0 s',
    '59.9 s',
    '1 min 0 s',
    '1 min 0 s',
    '2 min 0 s',
    '2 h 2 min',
  ]);
});

test('spans are a minute at least, and grow into hours and days', () => {
  const told = [0, -5, 29_000, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS, 47 * HOUR_MS, 48 * HOUR_MS].map(
    formatSpan,
  );
  assert.deepEqual(told, [
    '1 min',
    '1 min',
    '1 min',
    '1 hour',
    '1 hour',
    '2 hours',
    '47 hours',
    '2 days',
  ]);
});

test('counts know one from many', () => {
  assert.deepEqual(
    [0, 1, 2, 1_000_000].map((count) => counted(count, 'record')),
    ['0 records', '1 record', '2 records', '1,000,000 records'],
  );
});

test('words in a row are joined as people do', () => {
  assert.deepEqual(
    [[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map((words) => listed(words)),
    ['', 'a', 'a and b', 'a, b and c'],
  );
});

test('a time names its day unless that is today’s, and its year unless that is this year’s', () => {
  const now = new Date(2026, 10, 23, 12);
  const at = (...parts: [number, number, number]): string =>
    formatTime(new Date(parts[0], parts[1], parts[2], 9, 5, 7).toISOString(), now);
  assert.equal(at(2026, 10, 23), '09:05:07');
  assert.match(at(2026, 10, 22), /22.*, 09:05:07$/u);
  assert.doesNotMatch(at(2026, 10, 22), /2026/u);
  assert.match(at(2026, 10, 24), /24.*, 09:05:07$/u);
  assert.match(at(2025, 10, 23), /2025.*, 09:05:07$/u);
});

test('a time that is none is not shown as one', () => {
  assert.equal(formatTime('yesterday'), 'unknown time');
});

test('results are told by status and word, and by what is there otherwise', () => {
  assert.equal(resultText({ status: 200 }), '200 OK');
  assert.equal(resultText({ status: 299 }), '299');
  assert.equal(resultText({ status: 403, code: 'scope' }), '403 scope');
  assert.equal(resultText({ code: 'interrupted' }), 'interrupted');
  assert.equal(resultText({ decision: 'deny' }), 'denied');
  assert.equal(resultText({}), 'ended');
});
