import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignInChallenge } from '../../../app/main/agent/login/challenge.ts';
import type { StepUpDemand } from '../../../app/main/agent/proxy/proxy-deps.ts';
import { createStepUps, type StepUps } from '../../../app/main/agent/step-up.ts';

const mfa: SignInChallenge = { acrValues: ['mfa'] };
const fresh: SignInChallenge = { acrValues: [], maxAgeSeconds: 300 };
const { signal } = new AbortController();

interface Bench {
  readonly stepUps: StepUps;
  readonly clock: { ms: number };
  readonly tabs: SignInChallenge[];
  /** For each notification, whether a tab asks as well. */
  readonly notices: boolean[];
  ask(challenge: SignInChallenge, sentAtMs?: number, leave?: AbortSignal): Promise<boolean>;
  /** Ends the attempt that runs. */
  end(error?: Error): void;
  /** A sign-in that nobody here asked for. */
  begin(challenge?: SignInChallenge): void;
}

function bench(options: { readonly auto?: boolean; readonly waitMs?: number } = {}): Bench {
  const clock = { ms: 1_000 };
  const tabs: SignInChallenge[] = [];
  const notices: boolean[] = [];
  let running: { readonly challenge: SignInChallenge | undefined } | undefined;
  const stepUps = createStepUps({
    start(challenge) {
      tabs.push(challenge);
      running = { challenge };
      return Promise.resolve();
    },
    isRunning: () => running !== undefined,
    auto: options.auto ?? true,
    waitMs: options.waitMs ?? 60_000,
    now: () => clock.ms,
    notify: (_demand, opened) => notices.push(opened),
  });
  return {
    stepUps,
    clock,
    tabs,
    notices,
    ask(challenge, sentAtMs = clock.ms, leave = signal) {
      const demand: StepUpDemand = { challenge, api: 'billing', sentAtMs };
      return stepUps.ask(demand, leave);
    },
    end(error) {
      const ended = running;
      running = undefined;
      stepUps.ended(ended?.challenge, error);
    },
    begin(challenge) {
      running = { challenge };
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('fifty requests with the same wish share one tab and one notification, and all go on', async () => {
  const { ask, end, tabs, notices } = bench();
  const waiting = Array.from({ length: 50 }, () => ask(mfa));
  await settled();
  end();
  assert.deepEqual(
    await Promise.all(waiting),
    Array.from({ length: 50 }, () => true),
  );
  assert.deepEqual(tabs, [mfa]);
  assert.deepEqual(notices, [true]);
});

test('another wish queues; what the first one covers does not ask again', async () => {
  const { ask, end, tabs } = bench();
  const first = ask({ acrValues: ['mfa'], maxAgeSeconds: 60 });
  const weaker = ask({ acrValues: ['mfa', 'hwk'], maxAgeSeconds: 900 });
  const other = ask({ acrValues: ['hwk'] });
  await settled();
  assert.equal(tabs.length, 1);
  end();
  assert.equal(await first, true);
  assert.equal(await weaker, true);
  await settled();
  assert.deepEqual(tabs[1], { acrValues: ['hwk'] });
  end();
  assert.equal(await other, true);
  assert.equal(tabs.length, 2);
});

test('a request sent before the person confirmed goes on without asking', async () => {
  const { ask, end, tabs, clock } = bench();
  const early = clock.ms;
  const first = ask(mfa);
  clock.ms += 500;
  end();
  await first;
  clock.ms += 1_000;
  assert.equal(await ask(mfa, early), true);
  assert.equal(tabs.length, 1);
});

test('a relay that is not content with what it asked for does not get another tab at once', async () => {
  const { ask, end, tabs, clock } = bench();
  const first = ask(mfa);
  end();
  await first;
  clock.ms += 59_999;
  assert.equal(await ask(mfa), false);
  assert.equal(tabs.length, 1);
  clock.ms += 1;
  const later = ask(mfa);
  end();
  assert.equal(await later, true);
  const often = ask({ acrValues: [], maxAgeSeconds: 0 });
  end();
  await often;
  clock.ms += 14_999;
  assert.equal(await ask({ acrValues: [], maxAgeSeconds: 0 }), false, 'not even for max_age 0');
});

test('after a refusal by the person nothing is asked for a minute', async () => {
  const { ask, end, tabs, clock } = bench();
  const [first, other] = [ask(mfa), ask(fresh)];
  await settled();
  end(new Error('refused'));
  assert.deepEqual(await Promise.all([first, other]), [false, false]);
  clock.ms += 59_999;
  assert.equal(await ask(fresh), false);
  assert.equal(tabs.length, 1);
  clock.ms += 1;
  const later = ask(fresh);
  end();
  assert.equal(await later, true);
});

test('ever new wishes open five tabs in ten minutes, no more', async () => {
  const { ask, end, tabs, notices, clock } = bench({ waitMs: 20 });
  for (let number = 0; number < 20; number += 1) {
    const waiting = ask({ acrValues: [`class-${number}`] });
    if (tabs.length === number + 1) end();
    await waiting;
    clock.ms += 4_000;
  }
  assert.equal(tabs.length, 5);
  assert.equal(notices.filter((opened) => !opened).length, 1, 'one notification a minute');
  clock.ms += 600_000;
  const later = ask({ acrValues: ['class-99'] });
  end();
  assert.equal(await later, true);
});

test('a request waits no longer than allowed, nor than its tool; the attempt goes on', async () => {
  const { ask, end, stepUps, tabs } = bench({ waitMs: 30 });
  assert.equal(await ask(mfa), false);
  const leave = new AbortController();
  const left = ask(mfa, undefined, leave.signal);
  leave.abort();
  assert.equal(await left, false);
  const queued = await ask(fresh);
  assert.equal(queued, false, 'still in the queue when its time was over');
  end();
  await settled();
  assert.deepEqual(tabs, [mfa], 'a request that waits no more opens nothing');
  assert.equal(stepUps.pending(), undefined);
});

test('with signIn.auto off one notification asks, and a sign-in by hand answers', async () => {
  const { ask, begin, end, stepUps, tabs, notices } = bench({ auto: false });
  const waiting = [ask(mfa), ask(mfa)];
  await settled();
  assert.deepEqual([tabs.length, notices], [0, [false]]);
  assert.deepEqual(stepUps.pending(), mfa);
  begin(mfa);
  end();
  assert.deepEqual(await Promise.all(waiting), [true, true]);
  assert.equal(stepUps.pending(), undefined);
});

test('a plain sign-in that runs already is waited for, and does not count as a confirmation', async () => {
  const { ask, begin, end, tabs } = bench();
  begin();
  const waiting = ask(mfa);
  await settled();
  assert.equal(tabs.length, 0);
  end();
  await settled();
  assert.deepEqual(tabs, [mfa]);
  end();
  assert.equal(await waiting, true);
});
