import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAllowances } from '../../../relay/state/allowances.ts';
import { createLimits, createPlaces } from '../../../relay/limits/limits.ts';
import { createFailures } from '../../../relay/limits/failures.ts';
import { createUploadWatches } from '../../../relay/limits/upload-watch.ts';
import { RelayError } from '../../../relay/errors.ts';
import { createMemoryState } from '../../../relay/state/memory.ts';
import { principal } from '../../support/principal.ts';

test('an allowance is there at once, and comes back evenly', () => {
  let nowMs = 0;
  const { take } = createAllowances(() => nowMs);
  const allowance = { requests: 4, perMs: 1000 };
  for (let at = 0; at < 4; at++) assert.equal(take('a', allowance), 0);
  assert.equal(take('a', allowance), 250);
  nowMs = 249;
  assert.equal(take('a', allowance), 1);
  nowMs = 250;
  assert.equal(take('a', allowance), 0);
  assert.equal(take('a', allowance), 250);
  assert.equal(take('b', allowance), 0, 'another has its own');
});

test('however they come, never more than the burst and the rate allow, and nearly as many', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 100, max: 5_000 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 }),
      (requests, perMs, gaps) => {
        let nowMs = 1_000_000;
        const { take } = createAllowances(() => nowMs);
        const startMs = nowMs;
        let taken = 0;
        for (const gap of gaps) {
          nowMs += gap;
          if (take('a', { requests, perMs }) === 0) taken += 1;
          const most = requests + ((nowMs - startMs) * requests) / perMs;
          assert.ok(taken <= most + 1e-6, `${taken} of at most ${most}`);
        }
      },
    ),
  );
});

test('there is room for whoever comes, at the cost of who was there first', () => {
  let nowMs = 0;
  const { take } = createAllowances(() => nowMs, 3);
  const allowance = { requests: 1, perMs: 1000 };
  for (const key of ['a', 'b', 'c', 'd']) assert.equal(take(key, allowance), 0);
  assert.ok(take('d', allowance) > 0);
  assert.equal(take('a', allowance), 0, 'forgotten');
  nowMs = 1000;
  assert.equal(take('d', allowance), 0);
});

test('limits count by person, client, address or all together', async () => {
  const state = createMemoryState(() => 0);
  const alice = principal({ subject: 'alice', clientId: 'x' });
  const bob = principal({ subject: 'bob', clientId: 'x' });
  const one = (by: 'user' | 'client' | 'api' | 'ip') =>
    createLimits(`api-${by}`, [{ requests: 1, perMs: 60_000, by }], state);
  const refuses = async (
    by: 'user' | 'client' | 'api' | 'ip',
    second: { readonly principal: typeof alice; readonly ip: string },
  ): Promise<boolean> => {
    const limits = one(by);
    await limits?.take({ principal: alice, ip: '1.1.1.1' });
    try {
      await limits?.take(second);
      return false;
    } catch (error) {
      assert.ok(error instanceof RelayError);
      assert.equal(error.code, 'rate_limited');
      assert.equal(error.headers['Retry-After'], '60');
      return true;
    }
  };
  assert.equal(await refuses('user', { principal: bob, ip: '1.1.1.1' }), false);
  assert.equal(await refuses('client', { principal: bob, ip: '2.2.2.2' }), true);
  assert.equal(await refuses('ip', { principal: bob, ip: '2.2.2.2' }), false);
  assert.equal(await refuses('api', { principal: bob, ip: '2.2.2.2' }), true);
  assert.equal(createLimits('x', [], state), undefined);
  await state.close();
});

test('places are given back', () => {
  const places = createPlaces(2);
  places?.take();
  places?.take();
  assert.throws(() => places?.take(), { code: 'rate_limited' });
  places?.giveBack();
  places?.take();
  assert.equal(createPlaces(undefined), undefined);
});

test('bad tokens shut their address out for a while; expired ones never do', () => {
  let nowMs = 0;
  const failures = createFailures({ requests: 2, perMs: 60_000 }, () => nowMs);
  for (let at = 0; at < 50; at++) failures.note('a', new RelayError('token_expired', ''));
  failures.check('a');
  for (let at = 0; at < 3; at++) failures.note('a', new RelayError('token_signature', ''));
  assert.throws(() => failures.check('a'), { code: 'rate_limited', status: 429 });
  failures.check('b');
  nowMs = 30_001;
  failures.check('a');
  failures.note('a', new RelayError('token_signature', ''));
  failures.check('a');
});

test('a body that trickles is cut, one that waits for the upstream is not', async () => {
  let nowMs = 0;
  const watches = createUploadWatches({ bodyBytesPerSecond: 100, bodyGraceMs: 1_000 }, () => nowMs);
  const cuts: string[] = [];
  const begin = (name: string) => watches.watch(() => cuts.push(name));
  const slow = begin('slow');
  const held = begin('held');
  const good = begin('good');
  held.held(true);
  for (let second = 0; second < 3; second++) {
    nowMs += 1_000;
    slow.progress(10);
    good.progress(200);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
  }
  watches.close();
  assert.deepEqual(cuts, ['slow']);
});
