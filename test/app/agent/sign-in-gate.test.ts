import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createSignInGate } from '../../../app/main/agent/sign-in-gate.ts';

const reason = new AgentError('signed_out', 'You are signed out.');
const signal = new AbortController().signal;

function setup(options: { auto?: boolean; waitMs?: number } = {}) {
  const clock = { ms: 0 };
  const seen = { attempts: 0, notices: 0 };
  let running: { promise: Promise<void>; end(error?: Error): void } | undefined;
  const gate = createSignInGate({
    signIn() {
      if (running) return running.promise;
      seen.attempts += 1;
      let end: (error?: Error) => void = () => undefined;
      const promise = new Promise<void>((resolve, reject) => {
        end = (error) => (error ? reject(error) : resolve());
      });
      running = { promise, end };
      return promise;
    },
    isRunning: () => running !== undefined,
    auto: options.auto ?? true,
    waitMs: options.waitMs ?? 5000,
    now: () => clock.ms,
    notify: () => {
      seen.notices += 1;
    },
  });
  const end = (error?: Error): void => {
    const ended = running;
    running = undefined;
    ended?.end(error);
    if (error) gate.failed(error);
    else gate.succeeded();
  };
  return { gate, clock, seen, end };
}

test('a hundred waiting requests make one attempt and one notification, and all go on', async () => {
  const { gate, seen, end } = setup();
  const waiting = Array.from({ length: 100 }, () => gate.wait(reason, signal));
  end();
  await Promise.all(waiting);
  assert.deepEqual(seen, { attempts: 1, notices: 1 });
});

test('after a failure requests are refused at once for 60 s, then may try again', async () => {
  const { gate, clock, seen, end } = setup();
  const first = gate.wait(reason, signal);
  end(new AgentError('consent_refused', 'Access was refused.'));
  await assert.rejects(first, /signed out\. Access was refused/);
  clock.ms = 59_999;
  await assert.rejects(gate.wait(reason, signal), { code: 'signed_out' });
  assert.equal(seen.attempts, 1);
  clock.ms = 60_000;
  const next = gate.wait(reason, signal);
  end();
  await next;
  assert.deepEqual(seen, { attempts: 2, notices: 2 });
});

test('a request waits no longer than allowed, nor than its caller; the attempt goes on', async () => {
  const { gate, seen } = setup({ waitMs: 30 });
  await assert.rejects(gate.wait(reason, signal), (error) => error === reason);
  const abort = new AbortController();
  const left = gate.wait(reason, abort.signal);
  abort.abort();
  await assert.rejects(left);
  assert.equal(seen.attempts, 1);
});

test('with signIn.auto off no tab opens, but one notification is shown', async () => {
  const { gate, seen } = setup({ auto: false });
  await assert.rejects(gate.wait(reason, signal));
  await assert.rejects(gate.wait(reason, signal));
  assert.deepEqual(seen, { attempts: 0, notices: 1 });
});

test('requests in the cool-down are told why the attempt failed, by its own code where no person can help', async () => {
  const down = new AgentError('relay_unreachable', 'The relay cannot be reached.');
  const refused = new AgentError('consent_refused', 'Access was refused.');
  const signedOut = new AgentError('signed_out', 'You are signed out.');
  for (const [failure, code, words] of [
    [down, 'relay_unreachable', /cannot be reached/],
    [refused, 'signed_out', /signed out\. Access was refused/],
  ] as const) {
    const gate = createSignInGate({
      signIn: () => Promise.reject(failure),
      isRunning: () => false,
      auto: true,
      waitMs: 1_000,
      now: () => 0,
      notify: () => undefined,
    });
    const { signal } = new AbortController();
    await assert.rejects(gate.wait(signedOut, signal), { code, message: words });
    gate.failed(failure);
    await assert.rejects(
      gate.wait(signedOut, signal),
      { code, message: words },
      'in the cool-down',
    );
  }
});
