import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createAlarm } from '../../wire/alarm.ts';

/** Tells what expired, in order, on node's own simulated timers. */
function bench(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const late: string[] = [];
  const alarm = createAlarm(Date.now);
  const waiter = { expire: (what: string): void => void late.push(what) };
  return { alarm, waiter, late, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('an alarm ends the wait once, when its time is over', (t) => {
  const { alarm, waiter, late, pass } = bench(t);
  alarm.set(100, waiter, 'an answer');
  pass(99);
  assert.deepEqual(late, []);
  pass(1);
  assert.deepEqual(late, ['an answer']);
  pass(1_000);
  assert.deepEqual(late, ['an answer']);
});

test('a shorter wait after a longer one ends in its own time, a longer after a shorter in its', (t) => {
  const { alarm, waiter, late, pass } = bench(t);
  alarm.set(1_000, waiter, 'long');
  alarm.set(10, waiter, 'short');
  pass(10);
  assert.deepEqual(late, ['short']);
  alarm.set(10, waiter, 'short');
  alarm.set(1_000, waiter, 'long');
  pass(999);
  assert.deepEqual(late, ['short']);
  pass(1);
  assert.deepEqual(late, ['short', 'long']);
});

test('what is put off begins its time anew; what is not set cannot be put off', (t) => {
  const { alarm, waiter, late, pass } = bench(t);
  alarm.set(100, waiter, 'silence');
  for (let at = 0; at < 10; at += 1) {
    pass(90);
    alarm.postpone();
  }
  pass(99);
  assert.deepEqual(late, []);
  pass(1);
  assert.deepEqual(late, ['silence']);
  alarm.postpone();
  pass(1_000);
  assert.deepEqual(late, ['silence']);
});

test('what is cleared or closed never rings, and can be set again', (t) => {
  const { alarm, waiter, late, pass } = bench(t);
  alarm.set(100, waiter, 'cleared');
  alarm.clear();
  pass(1_000);
  alarm.set(100, waiter, 'closed');
  alarm.close();
  pass(1_000);
  assert.deepEqual(late, []);
  alarm.set(100, waiter, 'again');
  pass(100);
  assert.deepEqual(late, ['again']);
});
