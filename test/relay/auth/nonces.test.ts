import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createNonces } from '../../../relay/auth/nonces.ts';

const PERIOD_MS = 300_000;
/** The beginning of a period. */
const START_MS = PERIOD_MS * 5_000_000;

test('a nonce serves for the rest of its period and the whole next one', () => {
  let nowMs = START_MS;
  const nonces = createNonces(randomBytes(32), () => nowMs);
  const first = nonces.current();
  assert.match(first, /^[A-Za-z0-9_-]{43}$/, 'RFC 9449 §8: no quote, no backslash');
  nowMs = START_MS + PERIOD_MS - 1;
  assert.equal(nonces.current(), first);
  nowMs = START_MS + PERIOD_MS;
  const second = nonces.current();
  assert.notEqual(second, first);
  assert.ok(nonces.accepts(first) && nonces.accepts(second));
  nowMs = START_MS + 2 * PERIOD_MS;
  assert.ok(!nonces.accepts(first) && nonces.accepts(second));
});

test('relays with one secret accept each other’s nonces, even when one clock is behind', () => {
  const secret = randomBytes(32);
  const ahead = createNonces(secret, () => START_MS + 20_000);
  const behind = createNonces(secret, () => START_MS - 20_000);
  assert.ok(ahead.accepts(behind.current()));
  assert.ok(behind.accepts(ahead.current()), 'the app comes from the relay whose clock is ahead');
});

test('nothing else is accepted', () => {
  const nonces = createNonces(randomBytes(32), () => START_MS);
  const good = nonces.current();
  const others = createNonces(randomBytes(32), () => START_MS);
  for (const bad of [
    '',
    others.current(),
    good.slice(1),
    `${good}=`,
    ` ${good}`,
    good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A'),
    good.toLowerCase() === good ? good.toUpperCase() : good.toLowerCase(),
    'é'.repeat(43),
  ])
    assert.equal(nonces.accepts(bad), false, bad);
});

test('a long life keeps no old nonces', () => {
  let nowMs = START_MS;
  const nonces = createNonces(randomBytes(32), () => nowMs);
  const seen = new Set<string>();
  for (let period = 0; period < 1_000; period++) {
    nowMs = START_MS + period * PERIOD_MS;
    seen.add(nonces.current());
  }
  assert.equal(seen.size, 1_000);
});
