import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivityRecord } from '../../ui/activity-record.ts';
import { activityRows, filterRows, mergeRecords } from '../../ui/activity-rows.ts';
import { formatBytes, formatDuration, formatTime, resultText } from '../../ui/format.ts';

const at = '2026-11-23T10:00:00.000Z';
const request = (
  seq: number,
  requestId: string,
  more: Partial<ActivityRecord> = {},
): ActivityRecord => ({
  seq,
  at,
  kind: 'request',
  requestId,
  method: 'GET',
  path: '/billing/invoices',
  api: 'billing',
  decision: 'allow',
  ...more,
});
const outcome = (
  seq: number,
  requestId: string,
  more: Partial<ActivityRecord> = {},
): ActivityRecord => ({
  seq,
  at: '2026-11-23T10:00:01.000Z',
  kind: 'outcome',
  requestId,
  status: 200,
  durationMs: 20,
  bytesOut: 10,
  ...more,
});

test('a request and its outcome are one line, newest first, whatever order they arrive in', () => {
  const records = [
    outcome(5, 'B', { status: 403, code: 'scope' }),
    request(1, 'A'),
    { seq: 4, at, kind: 'sign-in' },
    request(3, 'B'),
    outcome(2, 'A'),
    request(6, 'C'),
  ];
  const rows = activityRows(mergeRecords(mergeRecords([], records.slice(0, 3)), records));
  assert.deepEqual(
    rows.map(({ key, kind, status, code, open, at: when }) => [
      key,
      kind,
      status,
      code,
      open,
      when,
    ]),
    [
      ['6', 'request', undefined, undefined, true, at],
      ['4', 'sign-in', undefined, undefined, false, at],
      ['3', 'request', 403, 'scope', false, at],
      ['1', 'request', 200, undefined, false, at],
    ],
  );
});

test('what a crash cut off is not shown as under way', () => {
  const cut = outcome(2, 'A', { kind: 'interrupted' });
  const [row] = activityRows(mergeRecords([], [request(1, 'A'), cut]));
  assert.equal(row?.code, 'interrupted');
  assert.equal(row?.open, false);
});

test('the memory of the page is bounded', () => {
  const many = Array.from({ length: 5000 }, (_, index) => request(index + 1, `R${index}`));
  const kept = mergeRecords([], many);
  assert.equal(kept.length, 2000);
  assert.equal(kept[0]?.seq, 5000);
});

test('filters by words, by API and by refusals', () => {
  const rows = activityRows(
    mergeRecords(
      [],
      [
        request(1, 'A'),
        outcome(2, 'A'),
        request(3, 'B', { api: 'legacy', path: '/legacy/x', method: 'POST' }),
        outcome(4, 'B', { status: 403, code: 'role' }),
      ],
    ),
  );
  const find = (filter: Partial<Parameters<typeof filterRows>[1]>): readonly string[] =>
    filterRows(rows, { text: '', api: '', deniedOnly: false, ...filter }).map(({ key }) => key);
  assert.deepEqual(find({}), ['3', '1']);
  assert.deepEqual(find({ text: 'post LEGACY' }), ['3']);
  assert.deepEqual(find({ text: 'role' }), ['3']);
  assert.deepEqual(find({ text: 'nowhere' }), []);
  assert.deepEqual(find({ api: 'billing' }), ['1']);
  assert.deepEqual(find({ deniedOnly: true }), ['3']);
});

test('events are found by the words that are shown of them', () => {
  const rows = activityRows([
    {
      seq: 2,
      at,
      kind: 'config',
      detail: 'key made key_0123456789ab: billing',
      toolKey: 'Nightly',
    },
    { seq: 1, at, kind: 'sign-in' },
  ]);
  const find = (text: string): readonly string[] =>
    filterRows(rows, { text, api: '', deniedOnly: false }).map(({ key }) => key);
  assert.deepEqual(find('signed in'), ['1']);
  assert.deepEqual(find('nightly made'), ['2']);
  assert.deepEqual(find('config'), []);
});

test('numbers are written for people', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1024 ** 3].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KB',
    '1.5 KB',
    '1.0 GB',
  ]);
  assert.deepEqual([3.4, 1300, 125_000].map(formatDuration), ['3 ms', '1.3 s', '2 min 5 s']);
  assert.match(formatTime(at, new Date(at)), /^\d\d:\d\d:\d\d$/u);
  assert.match(formatTime(at, new Date('2027-06-01T00:00:00Z')), /2026.*, \d\d:\d\d:\d\d$/u);
  assert.equal(resultText({ status: 403, code: 'scope' }), '403 scope');
  assert.equal(resultText({ status: 200 }), '200 OK');
  assert.equal(resultText({ decision: 'deny' }), 'denied');
});
