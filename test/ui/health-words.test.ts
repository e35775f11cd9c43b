import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECK_NAMES } from '../../app/main/doctor/check.ts';
import type { FindingView } from '../../app/main/ipc/contract.ts';
import { checkedWords, checkTitle, summary } from '../../app/renderer/health-words.ts';

const found = (...outcomes: readonly FindingView['outcome'][]): readonly FindingView[] =>
  outcomes.map((outcome, at) => ({ name: `check-${at}`, outcome, detail: '' }));

test('problems come before warnings; one is not many', () => {
  assert.equal(summary(found('ok', 'ok', 'skip')), 'Everything is in order');
  assert.equal(summary(found('fail')), '1 problem');
  assert.equal(summary(found('warn', 'fail', 'warn', 'ok')), '1 problem, 2 warnings');
  assert.equal(summary(found('fail', 'fail')), '2 problems');
});

test('what was not checked is not called in order', () => {
  assert.equal(summary([]), 'Nothing was checked');
  assert.equal(summary(found('skip', 'skip')), 'Nothing was checked');
});

test('how far the checks are, and whom they are about', () => {
  const now = new Date(2026, 10, 29, 12);
  const value = { atMs: new Date(2026, 10, 29, 10, 0, 5).getTime(), findings: found('ok') };
  const words = (isRunning: boolean, profile?: string, known?: typeof value): string =>
    checkedWords(known, isRunning, profile, now);
  assert.equal(words(false), 'Not checked yet.');
  assert.equal(words(true), 'Checking this computer and the way to the relay …');
  assert.equal(words(true, 'Acme', value), 'Checking this computer and the way to Acme …');
  assert.equal(words(false, undefined, value), 'Everything is in order · checked at 10:00:05');
  assert.equal(words(false, 'Acme', value), 'Everything is in order · Acme · checked at 10:00:05');
  assert.equal(
    words(false, 'ספק\u202E', value),
    'Everything is in order · \u2068ספק\u{FFFD}\u2069 · checked at 10:00:05',
  );
});

test('every check has a title; one of a later version goes by its name', () => {
  for (const name of CHECK_NAMES) assert.notEqual(checkTitle(name), name);
  assert.equal(checkTitle('horoscope'), 'horoscope');
  assert.equal(checkTitle('constructor'), 'constructor');
});
