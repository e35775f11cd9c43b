import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDenylist } from '../../../relay/state/denylist.ts';
import { concerns } from '../../../relay/state/entry.ts';
import type { Revocable, Revocation } from '../../../relay/state/shared-state.ts';

const issuer = 'https://idp.example.com';
const token = { issuer, subject: 'ann', jti: 'j1', sid: 's1', issuedAtMs: 1_000 };
const revocation = (members: Partial<Revocation>): Revocation => ({
  issuer,
  kind: 'sub',
  value: 'ann',
  revokedAtMs: 1_000,
  expiresAtMs: 9_000,
  ...members,
});

test('a token is revoked by its jti, its session or its person, at its own issuer only', () => {
  for (const [members, expected] of [
    [{ kind: 'jti', value: 'j1' }, true],
    [{ kind: 'jti', value: 'j1', revokedAtMs: 0 }, true],
    [{ kind: 'jti', value: 's1' }, false],
    [{ kind: 'sid', value: 's1' }, true],
    [{ kind: 'sid', value: 's1', revokedAtMs: 999 }, false],
    [{ kind: 'sub' }, true],
    [{ kind: 'sub', revokedAtMs: 999 }, false],
    [{ kind: 'sub', value: 'bob' }, false],
    [{ kind: 'sub', issuer: 'https://other.example.com' }, false],
    [{ kind: 'sub_without_sid' }, false],
  ] as const) {
    const denylist = createDenylist();
    denylist.add(revocation(members));
    assert.equal(denylist.isRevoked(token), expected, JSON.stringify(members));
  }
});

test('a token that names no session ends with any session of its person', () => {
  const denylist = createDenylist();
  denylist.add(revocation({ kind: 'sub_without_sid' }));
  assert.equal(denylist.isRevoked({ issuer, subject: 'ann', issuedAtMs: 900 }), true);
  assert.equal(denylist.isRevoked({ issuer, subject: 'ann', issuedAtMs: 1_100 }), false);
  assert.equal(denylist.isRevoked({ issuer, subject: 'ann', sid: 's2', issuedAtMs: 900 }), false);
});

test('a token that does not say when it was issued counts as older', () => {
  const denylist = createDenylist();
  denylist.add(revocation({}));
  assert.equal(denylist.isRevoked({ issuer, subject: 'ann' }), true);
});

test('of two revocations of one person the later time holds, whatever their order', () => {
  for (const times of [
    [1_000, 500],
    [500, 1_000],
  ]) {
    const denylist = createDenylist();
    for (const revokedAtMs of times) denylist.add(revocation({ revokedAtMs }));
    assert.equal(denylist.isRevoked(token), true);
    assert.equal(denylist.size(), 1);
  }
});

test('what is over is forgotten, what is full says so', () => {
  const denylist = createDenylist(2);
  assert.equal(denylist.add(revocation({})), 'added');
  assert.equal(denylist.add(revocation({})), 'known');
  assert.equal(denylist.add(revocation({ value: 'bob', expiresAtMs: 5_000 })), 'added');
  assert.equal(denylist.add(revocation({ value: 'carol' })), 'full');
  denylist.forget(5_000);
  assert.deepEqual(
    denylist.list().map(({ value }) => value),
    ['ann'],
  );
  assert.equal(denylist.add(revocation({ value: 'carol' })), 'added');
});

const short = fc.constantFrom('a', 'b', '__proto__');
const revocations = fc.record({
  issuer: short,
  kind: fc.constantFrom('jti', 'sid', 'sub', 'sub_without_sid'),
  value: short,
  revokedAtMs: fc.integer({ min: 0, max: 5 }),
  expiresAtMs: fc.constant(9_000),
});
const tokens = fc.record(
  {
    issuer: short,
    subject: short,
    jti: short,
    sid: short,
    issuedAtMs: fc.integer({ min: 0, max: 5 }),
  },
  { requiredKeys: ['issuer', 'subject'] },
);

test('the index says what a look at every single revocation says', () => {
  fc.assert(
    fc.property(fc.array(revocations), tokens, (all: Revocation[], asked: Revocable) => {
      const denylist = createDenylist();
      for (const one of all) denylist.add(one);
      assert.equal(
        denylist.isRevoked(asked),
        all.some((one) => concerns(one, asked)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('asking costs next to nothing, however many revocations there are', () => {
  const holding = (count: number) => {
    const denylist = createDenylist();
    for (let at = 0; at < count; at++) denylist.add(revocation({ kind: 'sid', value: `s-${at}` }));
    return denylist;
  };
  const costNs = (denylist: ReturnType<typeof holding>): number => {
    const from = process.hrtime.bigint();
    for (let at = 0; at < 200_000; at++) denylist.isRevoked(token);
    return Number(process.hrtime.bigint() - from) / 200_000;
  };
  const [few, many] = [1_000, 200_000].map((count) => {
    const denylist = holding(count);
    return Math.min(...Array.from({ length: 5 }, () => costNs(denylist)));
  }) as [number, number];
  console.log(`isRevoked: ${few.toFixed(0)} ns of 1,000, ${many.toFixed(0)} ns of 200,000`);
  assert.ok(many / few < 20, `of 200 times as many: ${many / few} times as long`);
});
