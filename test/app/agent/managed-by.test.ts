import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { helpAddress } from '../../../app/main/agent/settings/help-address.ts';
import { managedBy } from '../../../app/main/agent/settings/managed-by.ts';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { privateDir } from '../../support/private-dir.ts';

function load(t: TestContext, policy: unknown) {
  const dataDir = privateDir(t);
  const systemPolicyPath = join(dataDir, 'policy.json');
  writeFileSync(systemPolicyPath, JSON.stringify(policy), { mode: 0o644 });
  return loadSettings({ dataDir, env: {}, systemPolicyPath });
}

test('policy says who manages this computer, where to ask, or both', (t) => {
  const both = { name: 'Acme IT', help: 'mailto:it@example.com' };
  const settings = load(t, { managedBy: both });
  assert.deepEqual(managedBy(settings), both);
  assert.deepEqual(settings.faults, []);
  assert.deepEqual(managedBy(load(t, { managedBy: { name: ' Acme IT ' } })), { name: 'Acme IT' });
  assert.deepEqual(managedBy(load(t, { managedBy: { help: 'Room 5' } })), { help: 'Room 5' });
  assert.equal(managedBy(load(t, { port: 7000 })), undefined);
});

test('what is too long, empty or no text is told with the limit, and counts as not set', (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [
      { name: 'x'.repeat(201) },
      /managedBy\.name: is a text of 201 characters and must be a text of 1 to 200 characters; managedBy\.name counts as not set$/u,
    ],
    [{ name: '  ' }, /managedBy\.name: is a text of 2 characters and must be/u],
    [{ name: 5 }, /managedBy\.name: is 5 and must be/u],
    [
      { help: 'x'.repeat(501) },
      /managedBy\.help: is a text of 501 characters and must be .* of 1 to 500 characters/u,
    ],
    [
      { help: 'https://it:Sesame1@example.com' },
      /managedBy\.help: is an address that begins with https: and must be an address without a name and password in it/u,
    ],
  ];
  for (const [set, why] of cases) {
    const settings = load(t, { managedBy: set });
    assert.match(settings.faults.join('\n'), why);
    assert.equal(settings.faults.length, 1);
    assert.equal(managedBy(settings), undefined);
  }
  assert.deepEqual(
    load(t, { managedBy: { name: 'x'.repeat(200), help: 'y'.repeat(500) } }).faults,
    [],
  );
});

test('a page by https and a mail can be opened; any other text is shown', () => {
  assert.equal(
    helpAddress('https://it.example.com/help?form=1'),
    'https://it.example.com/help?form=1',
  );
  assert.equal(helpAddress('mailto:it@example.com'), 'mailto:it@example.com');
  const mail = 'mailto:it@example.com?subject=Latchkey&body=Please';
  assert.equal(helpAddress(mail), mail);
  const texts = ['Room 5, extension 1234', 'tel:+49301234', 'it.example.com', 'it@example.com', ''];
  for (const text of texts) assert.equal(helpAddress(text), undefined, text);
});
