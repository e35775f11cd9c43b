import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import type { Vault } from '../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import { createVaults, tokenStore, type TokenStore } from '../../app/main/vaults.ts';

/** A keychain's vault, of which every instance opens the same drawer. */
function keychain(): (dir: string) => Vault {
  const drawers = new Map<string, Vault>();
  return (dir) => {
    const drawer = drawers.get(dir) ?? createMemoryVault();
    drawers.set(dir, drawer);
    return { ...drawer, kind: 'sealed' };
  };
}

const unexpected = (error: unknown): never => assert.fail(String(error));

test('where nothing seals, a session outlives a change of settings, each directory’s its own', async () => {
  const vaultAt = createVaults(createMemoryVault, unexpected);
  await vaultAt('acme', 'sealed').save('of acme');
  assert.equal(await vaultAt('acme', 'sealed').load(), 'of acme');
  assert.equal(await vaultAt('acme', 'memory').load(), 'of acme');
  assert.equal(await vaultAt('globex', 'memory').load(), undefined);
});

test('a session that shall be in memory only does not stay sealed on the disk', async () => {
  const seal = keychain();
  const vaultAt = createVaults(seal, unexpected);
  await vaultAt('acme', 'sealed').save('sealed');
  const inMemory = vaultAt('acme', 'memory');
  assert.equal(inMemory.kind, 'memory');
  assert.equal(await inMemory.load(), undefined);
  assert.equal(await seal('acme').load(), undefined);
  await inMemory.save('in memory');
  const sealedAgain = vaultAt('acme', 'sealed');
  assert.equal(sealedAgain.kind, 'sealed');
  assert.equal(await sealedAgain.load(), undefined);
  assert.equal(await vaultAt('acme', 'memory').load(), undefined);
});

test('what cannot be removed is told', async () => {
  const told: unknown[] = [];
  const fault = new Error('EACCES');
  const stuck: Vault = {
    ...createMemoryVault(),
    kind: 'sealed',
    clear: () => Promise.reject(fault),
  };
  const vaultAt = createVaults(
    () => stuck,
    (error) => told.push(error),
  );
  assert.equal(vaultAt('acme', 'memory').kind, 'memory');
  await new Promise(setImmediate);
  assert.deepEqual(told, [fault]);
});

test('while a file of settings cannot be read, a sealed session is neither used nor lost', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-vaults-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const stored = (): TokenStore =>
    tokenStore(loadSettings({ dataDir: dir, env: {}, systemPolicyPath: join(dir, 'policy.json') }));
  const seal = keychain();
  const vaultAt = createVaults(seal, unexpected);
  assert.equal(stored(), 'sealed');
  await vaultAt('acme', stored()).save('sealed');

  for (const text of ['{"tokens": {"store": "memory"},}', '{"tokens": {"store": "disk"}}']) {
    writeFileSync(join(dir, 'policy.json'), text, { mode: 0o600 });
    const meanwhile = vaultAt('acme', stored());
    assert.equal(meanwhile.kind, 'memory', text);
    assert.equal(await meanwhile.load(), undefined);
  }
  rmSync(join(dir, 'policy.json'));
  assert.equal(await vaultAt('acme', stored()).load(), 'sealed');
});
