import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExchanges } from '../../relay/exchanges.ts';
import { createMemoryState } from '../../relay/state/memory.ts';
import type { Revocation, SharedState } from '../../relay/state/shared-state.ts';
import { principal } from '../support/principal.ts';
import { until } from '../support/until.ts';
import { createTestClock } from '../support/verifier.ts';

const ann = principal({ subject: 'ann', issuedAtMs: 1_000 });
const bob = principal({ subject: 'bob', issuedAtMs: 1_000 });
const revocation: Revocation = {
  issuer: ann.issuer,
  kind: 'sub',
  value: 'ann',
  revokedAtMs: 2_000,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
};

function bench(
  t: TestContext,
  wrap: (state: SharedState) => SharedState = (state) => state,
  now: () => number = Date.now,
) {
  const state = wrap(createMemoryState(now));
  const exchanges = createExchanges(now, state);
  t.after(async () => {
    exchanges.close();
    await state.close();
  });
  const ends: string[] = [];
  /** Opens an exchange that unregisters when it is cut, as forward and tunnel do. */
  const open = (
    name: string,
    who: typeof ann,
    hasBegun = () => true,
    gracefulMs = 0,
  ): (() => void) => {
    const registration = exchanges.registrar(
      who,
      gracefulMs,
    )({
      hasBegun,
      cut(by) {
        ends.push(`${name} ${by}`);
        registration.end();
      },
    });
    return () => registration.end();
  };
  return { state, exchanges, ends, open };
}

test('a revocation cuts the exchanges that it concerns, at once', async (t) => {
  const { state, exchanges, ends, open } = bench(t);
  open('one', ann);
  open('two', ann);
  open('three', bob);
  assert.equal(
    exchanges.count(({ subject }) => subject === 'ann'),
    2,
  );
  await state.revoke(revocation);
  assert.deepEqual(ends, ['one revocation', 'two revocation']);
  assert.equal(exchanges.count(), 1);
});

test('an exchange that begins while its token is revoked is found', async (t) => {
  const { state, ends, open } = bench(t);
  await state.revoke(revocation);
  open('late', ann);
  await until('the exchange has ended', () => ends.length === 1);
  assert.deepEqual(ends, ['late revocation']);
});

test('an exchange ends with its token', async (t) => {
  const { ends, open } = bench(t);
  open('short', { ...ann, expiresAtMs: Date.now() + 100 });
  open('long', ann);
  await until('the exchange has ended', () => ends.length === 1);
  assert.deepEqual(ends, ['short expiry']);
});

test('what was let in is answered, though its token ends; what goes on beyond that is not', async (t) => {
  const { ends, open } = bench(t);
  let hasBegun = false;
  open('asked', { ...ann, expiresAtMs: Date.now() + 50 }, () => hasBegun);
  open('streams', { ...ann, expiresAtMs: Date.now() + 50 });
  await until('the other has ended', () => ends.length === 1);
  assert.deepEqual(ends, ['streams expiry']);
  hasBegun = true;
  await until('it ends once it streams', () => ends.length === 2);
  assert.deepEqual(ends, ['streams expiry', 'asked expiry']);
});

test('a stream may go on for a while after the end of its token, not after a revocation', async (t) => {
  const { state, ends, open } = bench(t);
  const nowMs = Date.now();
  const ended = { ...bob, expiresAtMs: nowMs - 1, acceptedUntilMs: nowMs };
  open('graceful', ended, () => true, 2_500);
  open('revoked', { ...ann, expiresAtMs: nowMs - 1, acceptedUntilMs: nowMs }, () => true, 60_000);
  await state.revoke(revocation);
  assert.deepEqual(ends, ['revoked revocation']);
  await until('the other has ended', () => ends.length === 2);
  assert.equal(ends[1], 'graceful expiry');
  assert.ok(Date.now() >= nowMs + 2_500);
});

test('what begins on a token that ended by our clock only has the time of the other', async (t) => {
  const clock = createTestClock();
  const { ends, open } = bench(t, undefined, clock.now);
  const nowMs = clock.now();
  const tolerated = { ...ann, expiresAtMs: nowMs - 1_000, acceptedUntilMs: nowMs + 3_000 };
  open('tolerated', tolerated);
  open('in time', { ...tolerated, expiresAtMs: nowMs + 1_000 });
  clock.advance(2_999);
  await until('the one has ended', () => ends.length > 0);
  assert.deepEqual(ends, ['in time expiry']);
  clock.advance(1);
  await until('both have ended', () => ends.length === 2);
  assert.deepEqual(ends, ['in time expiry', 'tolerated expiry']);
});

test('while nobody can tell what was revoked, what is under way goes on', async (t) => {
  const { ends, open } = bench(t, (state) => ({
    ...state,
    isRevoked() {
      throw new Error('not known');
    },
  }));
  open('one', ann);
  open('ended', { ...ann, expiresAtMs: 0, acceptedUntilMs: 0 });
  await until('one has ended', () => ends.length > 0);
  await sleep(1_300);
  assert.deepEqual(ends, ['ended expiry']);
});

test('what is still open can be cut', (t) => {
  const { exchanges, ends, open } = bench(t);
  open('one', ann)();
  open('two', ann);
  exchanges.cut('drain');
  assert.deepEqual(ends, ['two drain']);
});
