import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RelayError } from '../../../relay/errors.ts';
import { createOnceStore } from '../../../relay/state/once-store.ts';

test('a key is new once, as long as it must be remembered', () => {
  let nowMs = 1_000_000;
  const store = createOnceStore(() => nowMs);
  const untilMs = nowMs + 120_000;
  assert.equal(store.once('a', untilMs), true);
  for (const afterMs of [0, 60_000, 119_999]) {
    nowMs = 1_000_000 + afterMs;
    assert.equal(store.once('a', untilMs), false, `${afterMs} ms later`);
  }
  assert.equal(store.once('b', untilMs), true);
});

test('a key stays used over the change of generations, whenever it came', () => {
  for (let atMs = 0; atMs < 320_000; atMs += 10_000) {
    let nowMs = 0;
    const store = createOnceStore(() => nowMs);
    store.once('first', 1);
    nowMs = atMs;
    assert.equal(store.once('key', atMs + 120_000), true);
    nowMs = atMs + 119_000;
    store.once('other', nowMs);
    assert.equal(store.once('key', atMs + 120_000), false, `used at ${atMs}`);
  }
});

test('a long-lived key is remembered to its end, and not beyond', () => {
  let nowMs = 0;
  const store = createOnceStore(() => nowMs);
  assert.equal(store.once('logout', 3_600_000), true);
  nowMs = 3_599_999;
  assert.equal(store.once('logout', 3_600_000), false);
  nowMs = 3_600_000;
  assert.equal(store.once('logout', 3_700_000), true);
});

test('when there is no room nothing passes, until old keys are forgotten', () => {
  let nowMs = 0;
  const store = createOnceStore(() => nowMs, 3);
  for (const key of ['a', 'b', 'c']) store.once(key, 60_000);
  assert.throws(
    () => store.once('d', 60_000),
    (error: unknown) => error instanceof RelayError && error.code === 'state_unavailable',
  );
  assert.equal(store.once('a', 60_000), false, 'a repeated one is still known as such');
  nowMs = 400_000;
  assert.equal(store.once('d', 460_000), true);
});
