import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snapshotView } from '../../app/main/ipc/view.ts';
import { profileArgs, shownSide, titleOf } from '../../app/renderer/profile.ts';
import { ready, severalRelays } from '../support/window-states.ts';

const one = snapshotView(ready);
const several = snapshotView(severalRelays);

test('one relay has no name that calls must use', () => {
  assert.deepEqual(profileArgs(one, undefined), []);
  assert.deepEqual(profileArgs(one, 'acme'), []);
  assert.deepEqual(profileArgs(undefined, 'acme'), []);
  assert.equal(shownSide(one, []), one);
  assert.equal(titleOf(one, []), undefined);
});

test('of several the chosen one is shown, and the first once that is gone', () => {
  assert.deepEqual(profileArgs(several, undefined), ['acme']);
  assert.deepEqual(profileArgs(several, 'globex-ltd'), ['globex-ltd']);
  assert.deepEqual(profileArgs(several, 'initech'), ['acme']);
  const side = shownSide(several, ['globex-ltd']);
  assert.equal(side.relay, 'https://globex.example');
  assert.equal(side.user, undefined);
  assert.equal(side.profiles, several.profiles);
  assert.equal(titleOf(side, ['globex-ltd'])?.startsWith('Globex Ltd'), true);
});

test('a name as every object has it is no profile', () => {
  assert.deepEqual(profileArgs(several, 'constructor'), ['acme']);
  assert.equal(titleOf(several, ['constructor']), undefined);
});
