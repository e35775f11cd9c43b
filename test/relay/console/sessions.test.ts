import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSessions } from '../../../relay/console/sessions.ts';

const ann = { person: { issuer: 'https://idp.example.com', user: 'ann' }, issuedAtMs: 1_000_000 };

function bench() {
  let nowMs = 1_000_000;
  const sessions = createSessions(
    () => nowMs,
    () => ({ idleMs: 60_000, sessionMs: 150_000 }),
  );
  return { sessions, pass: (ms: number) => (nowMs += ms) };
}

test('a session ends when it is not used, and looks are no use', () => {
  const { sessions, pass } = bench();
  const secret = sessions.open(ann);
  pass(40_000);
  assert.ok(sessions.find(secret, 'look'));
  pass(19_999);
  assert.ok(sessions.find(secret, 'look'));
  pass(1);
  assert.equal(sessions.find(secret, 'use'), undefined);
});

test('a session ends in the end, however much it is used', () => {
  const { sessions, pass } = bench();
  const secret = sessions.open(ann);
  for (const ms of [50_000, 50_000, 49_999]) {
    pass(ms);
    assert.ok(sessions.find(secret, 'use'));
  }
  pass(1);
  assert.equal(sessions.find(secret, 'use'), undefined);
});

test('secrets differ, others open nothing, and many sessions are bounded', () => {
  const { sessions } = bench();
  const secrets = Array.from({ length: 1_001 }, () => sessions.open(ann));
  assert.equal(new Set(secrets).size, 1_001);
  assert.equal(sessions.find(secrets[0], 'look'), undefined, 'the oldest made room');
  assert.ok(sessions.find(secrets[1], 'look'));
  assert.equal(sessions.find(`${secrets[1]}x`, 'look'), undefined);
  assert.equal(sessions.end(String(secrets[1]))?.person.user, 'ann');
  assert.equal(sessions.find(secrets[1], 'look'), undefined);
  sessions.clear();
  assert.equal(sessions.find(secrets[2], 'look'), undefined);
});

test('what is over is swept away, with the ID token in it', () => {
  const { sessions, pass } = bench();
  const over = sessions.open({ ...ann, farewell: 'https://idp.example.com/end?id_token_hint=x' });
  pass(59_999);
  const fresh = sessions.open(ann);
  sessions.sweep();
  assert.ok(sessions.find(over, 'look'));
  pass(1);
  sessions.sweep();
  assert.equal(sessions.end(over), undefined, 'nothing of it is left');
  assert.ok(sessions.end(fresh));
});
