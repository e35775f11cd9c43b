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
    waitMs: options.waitMs ?? 60_000,
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

test('after the person did not sign in, requests are refused at once for 15 min, then may ask again', async () => {
  const { gate, clock, seen, end } = setup();
  const first = gate.wait(reason, signal);
  end(new AgentError('consent_refused', 'Access was refused.'));
  await assert.rejects(first, /signed out\. Access was refused/);
  clock.ms = 899_999;
  await assert.rejects(gate.wait(reason, signal), { code: 'signed_out' });
  assert.equal(seen.attempts, 1);
  clock.ms = 900_000;
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

test('tools that poll an expired session all night open one tab and one notification in ten minutes, and few until morning', async () => {
  const expired = new AgentError('session_expired', 'Your session has ended. Sign in again.');
  const clock = { ms: 0 };
  const seen = { tabs: 0, notices: 0 };
  let closedTab: (() => void) | undefined;
  let running: Promise<void> | undefined;
  const gate = createSignInGate({
    signIn() {
      if (running) return running;
      seen.tabs += 1;
      running = new Promise((_resolve, reject) => {
        closedTab = () => {
          running = undefined;
          closedTab = undefined;
          const error = new AgentError('sign_in_timeout', 'The sign-in was not finished in time.');
          gate.failed(error);
          reject(error);
        };
      });
      return running;
    },
    isRunning: () => running !== undefined,
    auto: true,
    waitMs: 0,
    now: () => clock.ms,
    notify: () => {
      seen.notices += 1;
    },
  });
  const minute = async (requests: number): Promise<void> => {
    const startsAtMs = clock.ms;
    const answers: Promise<unknown>[] = [];
    for (let n = 0; n < requests; n += 1) {
      clock.ms = startsAtMs + (n * 60_000) / requests;
      answers.push(assert.rejects(gate.wait(expired, signal), { code: 'signed_out' }));
    }
    clock.ms = startsAtMs + 60_000;
    // Nobody sits there: each attempt ends after the five minutes that a person may take.
    if (closedTab && clock.ms % 300_000 === 0) closedTab();
    await Promise.all(answers);
  };
  for (let n = 0; n < 10; n += 1) await minute(1000);
  assert.deepEqual(seen, { tabs: 1, notices: 1 });
  for (let n = 10; n < 600; n += 1) await minute(10);
  assert.ok(seen.tabs <= 6, `${seen.tabs} tabs in ten hours`);
  assert.equal(seen.notices, seen.tabs);
});

test('an attempt that opened its page counts as one, however it failed', async () => {
  const down = new AgentError('provider_unreachable', 'It cannot be reached.');
  for (const [isOpened, quietMs] of [
    [true, 900_000],
    [false, 60_000],
  ] as const) {
    const { gate, clock, seen, end } = setup();
    const first = gate.wait(reason, signal);
    if (isOpened) gate.opened();
    end(down);
    await assert.rejects(first, { code: 'provider_unreachable' });
    clock.ms = quietMs - 1;
    await assert.rejects(gate.wait(reason, signal), { code: 'provider_unreachable' });
    assert.equal(seen.attempts, 1);
    clock.ms = quietMs;
    const next = gate.wait(reason, signal);
    end();
    await next;
    assert.deepEqual(seen, { attempts: 2, notices: isOpened ? 2 : 1 });
  }
});

test('a machine has nobody to notify: its requests hear the reason alone, and it tries again in a minute', async () => {
  const clock = { ms: 0 };
  let notices = 0;
  let attempts = 0;
  const refused = new AgentError('provider_refused', 'The provider refused this machine’s key.');
  const gate = createSignInGate({
    signIn: () => {
      attempts += 1;
      gate.failed(refused);
      return Promise.reject(refused);
    },
    isRunning: () => false,
    auto: false,
    isMachine: true,
    waitMs: 20_000,
    now: () => clock.ms,
    notify: () => {
      notices += 1;
    },
  });
  for (let n = 0; n < 100; n += 1) {
    await assert.rejects(gate.wait(reason, signal), {
      code: 'signed_out',
      message: refused.message,
    });
  }
  assert.deepEqual([attempts, notices], [1, 0]);
  clock.ms = 60_000;
  await assert.rejects(gate.wait(reason, signal), { code: 'signed_out' });
  assert.equal(attempts, 2);
});

test('while nothing is attempted, Retry-After is the rest of that time, a minute at most', async () => {
  const { gate, clock, end } = setup();
  const retryAfter = async (): Promise<string | undefined> => {
    const error: unknown = await gate.wait(reason, signal).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof AgentError && error.code === 'signed_out');
    return error.headers['Retry-After'];
  };
  const first = retryAfter();
  end(new AgentError('consent_refused', 'Access was refused.'));
  assert.equal(await first, '60', 'the request that asked; a person may sign in sooner');
  clock.ms = 860_001;
  assert.equal(await retryAfter(), '40');
  clock.ms = 899_999;
  assert.equal(await retryAfter(), '1');
});

test('where requests open no page, and while a person is at it, Retry-After stays as it is', async () => {
  for (const { gate } of [setup({ auto: false }), setup({ waitMs: 20 })]) {
    await assert.rejects(gate.wait(reason, signal), (error) => {
      assert.ok(error instanceof AgentError);
      return error.headers['Retry-After'] === '30';
    });
  }
});
