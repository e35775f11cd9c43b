import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAttempts } from '../../../relay/console/attempts.ts';

const LIFE_MS = 600_000;

function bench() {
  let nowMs = 1_000_000;
  return { attempts: createAttempts(() => nowMs), pass: (ms: number) => (nowMs += ms) };
}

test('an attempt comes back whole, once, to its own browser, in time', () => {
  const { attempts, pass } = bench();
  const { browser, attempt } = attempts.begin(undefined, '/console/people?minutes=60');
  pass(LIFE_MS - 1);
  assert.equal(attempts.take(undefined, attempt.state), undefined, 'no browser');
  const other = attempts.begin(undefined, '/').browser;
  assert.equal(attempts.take(other, attempt.state), undefined, 'another browser');
  assert.deepEqual(attempts.take(browser, attempt.state), attempt);
  assert.equal(attempts.take(browser, attempt.state), undefined, 'used');

  const late = attempts.begin(browser, '/');
  assert.equal(late.browser, browser, 'several tabs have one browser');
  pass(LIFE_MS);
  assert.equal(attempts.take(browser, late.attempt.state), undefined, 'too late');
});

test('a state that was changed, cut or made up is none, however it is spelled', () => {
  const { attempts } = bench();
  const { browser, attempt } = attempts.begin(undefined, '/console/people');
  const bytes = Buffer.from(attempt.state, 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(attempts.take(browser, changed.toString('base64url')), undefined, String(at));
    assert.equal(attempts.take(browser, bytes.subarray(0, at).toString('base64url')), undefined);
  }
  for (const state of ['', 'x', '{}', 'A'.repeat(4_000), '\u0000'])
    assert.equal(attempts.take(browser, state), undefined);
  assert.ok(attempts.take(browser, attempt.state));
  const spelled = bytes.toString('base64');
  assert.equal(attempts.take(browser, spelled), undefined, 'used, in another spelling');
  assert.equal(attempts.take(browser, `${attempt.state}=`), undefined);
});

test('no attempt pushes another out, and those of another relay are not taken', () => {
  const { attempts } = bench();
  const first = attempts.begin(undefined, '/');
  for (let count = 0; count < 5_000; count += 1) attempts.begin(undefined, '/');
  assert.equal(bench().attempts.take(first.browser, first.attempt.state), undefined);
  assert.ok(attempts.take(first.browser, first.attempt.state));
});

test('an attempt shows nothing of its secrets to whom it is shown', () => {
  const { attempts } = bench();
  const { attempt } = attempts.begin(undefined, '/console/request/secret-id');
  const shown = Buffer.from(attempt.state, 'base64url').toString('latin1');
  for (const secret of [attempt.nonce, attempt.verifier, attempt.returnTo])
    assert.ok(!shown.includes(secret) && !attempt.state.includes(secret));
  assert.match(attempt.verifier, /^[A-Za-z0-9_-]{43}$/);
});
