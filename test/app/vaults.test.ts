import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import type { Vault } from '../../app/main/agent/session/vault.ts';
import { createVaults } from '../../app/main/vaults.ts';

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
  await vaultAt('acme', false).save('of acme');
  assert.equal(await vaultAt('acme', false).load(), 'of acme');
  assert.equal(await vaultAt('acme', true).load(), 'of acme');
  assert.equal(await vaultAt('globex', true).load(), undefined);
});

test('a session that shall be in memory only does not stay sealed on the disk', async () => {
  const seal = keychain();
  const vaultAt = createVaults(seal, unexpected);
  await vaultAt('acme', false).save('sealed');
  const inMemory = vaultAt('acme', true);
  assert.equal(inMemory.kind, 'memory');
  assert.equal(await inMemory.load(), undefined);
  assert.equal(await seal('acme').load(), undefined);
  await inMemory.save('in memory');
  const sealedAgain = vaultAt('acme', false);
  assert.equal(sealedAgain.kind, 'sealed');
  assert.equal(await sealedAgain.load(), undefined);
  assert.equal(await vaultAt('acme', true).load(), undefined);
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
  assert.equal(vaultAt('acme', true).kind, 'memory');
  await new Promise(setImmediate);
  assert.deepEqual(told, [fault]);
});
