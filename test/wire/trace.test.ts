import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carryTrace, continueTrace } from '../../wire/trace.ts';

const TRACE = 'a'.repeat(32);
const SPAN = 'b'.repeat(16);
const parent = (flags = '01', version = '00', more = ''): string[] => [
  'Traceparent',
  `${version}-${TRACE}-${SPAN}-${flags}${more}`,
];

test('a trace is continued with a new span, flags and tracestate included', () => {
  const next = continueTrace([...parent('03'), 'tracestate', 'vendor=x']);
  assert.match(next.traceparent, /^00-a{32}-[0-9a-f]{16}-03$/);
  assert.doesNotMatch(next.traceparent, new RegExp(SPAN));
  assert.equal(next.traceId, TRACE);
  assert.equal(next.parentId, SPAN);
  assert.equal(next.sampled, true);
  assert.equal(next.keepsState, true);
  assert.equal(continueTrace(parent('02')).sampled, false);
});

test('a later version is read as far as it is known, and answered in ours', () => {
  for (const more of ['', '-whatever'])
    assert.match(continueTrace(parent('01', '01', more)).traceparent, /^00-a{32}-[0-9a-f]{16}-01$/);
});

test('what is malformed, or there twice, begins a trace, and its tracestate is dropped', () => {
  const bad: readonly (readonly string[])[] = [
    [],
    ['traceparent', 'x'],
    ['traceparent', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['traceparent', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['traceparent', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    parent('01', 'ff'),
    parent('01', '00', '-more'),
    [...parent(), ...parent()],
  ];
  for (const fields of bad) {
    const next = continueTrace([...fields, 'tracestate', 'vendor=x']);
    assert.match(next.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, String(fields));
    assert.notEqual(next.traceId, TRACE);
    assert.equal(next.parentId, undefined);
    assert.equal(next.sampled, undefined);
    assert.equal(next.keepsState, false);
  }
});

test('who reports no span passes the caller on as it is', () => {
  const carried = carryTrace(parent());
  assert.equal(carried.traceparent, parent()[1]);
  assert.equal(carried.traceId, TRACE);
  assert.equal(carried.tracestate, undefined);
});

test('a trace that was only carried has no parent, and is not decided about, at the next hop', () => {
  const carried = carryTrace(['tracestate', 'vendor=x']);
  assert.notEqual(carried.tracestate, undefined);
  const fields = ['traceparent', carried.traceparent, 'tracestate', carried.tracestate ?? ''];
  const next = continueTrace(fields);
  assert.equal(next.traceId, carried.traceId);
  assert.equal(next.parentId, undefined);
  assert.equal(next.sampled, undefined);
  assert.equal(next.keepsState, false, 'a word between the two of us');
});
