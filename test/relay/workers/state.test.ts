import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Revocation } from '../../../relay/state/shared-state.ts';
import { createRemoteState } from '../../../relay/workers/remote-state.ts';

const ISSUER = 'https://idp.example.com';
const revoked = (value: string): Revocation => ({
  issuer: ISSUER,
  kind: 'sub',
  value,
  revokedAtMs: 2_000,
  expiresAtMs: 9_000,
});
const token = (subject: string) => ({ issuer: ISSUER, subject, issuedAtMs: 1_000 });

function createState(t: TestContext, known: readonly Revocation[] = []) {
  const asked: unknown[][] = [];
  const answers: Record<string, unknown> = {
    once: true,
    revoke: undefined,
    secret: Buffer.alloc(32, 7).toString('base64'),
  };
  const call = (...message: unknown[]): Promise<never> => {
    asked.push(message);
    return Promise.resolve(answers[String(message[0])] as never);
  };
  const state = createRemoteState({ call }, known, () => 1_000);
  t.after(() => state.close());
  return { state, asked };
}

test('a worker begins with what was revoked, and learns the rest at once', (t) => {
  const { state } = createState(t, [revoked('early')]);
  let told = 0;
  const unsubscribe = state.onRevoked(() => (told += 1));
  assert.equal(state.isRevoked(token('early')), true);
  assert.equal(state.isRevoked(token('late')), false);
  state.learn(revoked('late'));
  assert.equal(state.isRevoked(token('late')), true);
  assert.equal(told, 1, 'streams are cut now, not at the next sweep');
  state.learn(revoked('late'));
  assert.equal(told, 1);
  unsubscribe();
  state.learn(revoked('later'));
  assert.equal(told, 1);
  assert.equal(state.revocations().length, 3);
});

test('what must be told apart once is asked of the primary', async (t) => {
  const { state, asked } = createState(t);
  assert.equal(await state.once('key', 5_000), true);
  await state.revoke(revoked('me'));
  assert.equal(state.isRevoked(token('me')), false, 'in force when the primary says so');
  assert.deepEqual(await state.secret('dpop-nonce'), Buffer.alloc(32, 7));
  assert.deepEqual(asked, [
    ['once', 'key', 5_000],
    ['revoke', revoked('me')],
    ['secret', 'dpop-nonce'],
  ]);
});
