import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { createIdentityProvider, type IdentityProvider } from '../../../demo/idp.ts';
import { runCli, type CliResult } from '../../support/cli.ts';
import { createVaults, seed, startProfiles } from '../../support/profile-bench.ts';
import { privateDir } from '../../support/private-dir.ts';
import { signInWithFetch } from '../../support/sign-in.ts';
import { startSmallRelay, type SmallRelay } from '../../support/small-relay.ts';

let idp: IdentityProvider;
let relay: SmallRelay;
before(async () => {
  idp = await createIdentityProvider();
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  await relay.close();
  await idp.close();
});

/** `latchkey apis`, in words and as JSON, asked of the agent with this data directory. */
async function apis(dataDir: string): Promise<readonly [CliResult, CliResult]> {
  const env = { LATCHKEY_DATA_DIR: dataDir };
  return [await runCli(['apis'], env), await runCli(['apis', '--json'], env)];
}

function isEnded([words, json]: readonly [CliResult, CliResult], reason: RegExp): void {
  for (const { code, out, err } of [words, json]) {
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, reason);
  }
  const { error } = JSON.parse(json.err) as { readonly error: { readonly code: string } };
  assert.equal(error.code, 'session_expired');
}

async function signedIn(t: TestContext) {
  relay.accept(() => true);
  const bench = await startProfiles(
    t,
    { relays: [{ name: 'Acme', url: relay.url }] },
    {
      openBrowser(url) {
        signInWithFetch(url, 'alice', 'alice-demo').catch(() => undefined);
        return Promise.resolve();
      },
    },
  );
  await bench.agent.signIn();
  assert.match((await apis(bench.dataDir))[0].out, /^billing /);
  return bench;
}

test('apis says that the relay ended the session, at that moment and ever after', async (t) => {
  const { agent, dataDir } = await signedIn(t);
  relay.accept(() => false);
  const env = { LATCHKEY_DATA_DIR: dataDir };
  const first = await runCli(['apis'], env);
  assert.deepEqual([first.code, first.out], [1, '']);
  assert.match(first.err, /relay does not accept your sign-in \(token_revoked\)\. Sign in again/);
  assert.equal(agent.snapshot().status, 'expired');
  isEnded(await apis(dataDir), /does not accept your sign-in \(token_revoked\)/);
  await agent.signOut();
  assert.match((await runCli(['apis'], env)).err, /You are signed out\. Sign in .*latchkey login/);
});

test('apis says that the provider ended the session that the relay refuses', async (t) => {
  relay.accept(() => false);
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  // Without a refresh token.
  await seed(vaultAt(dataDir), relay.url, 'revoked');
  await startProfiles(t, { relays: [{ name: 'Acme', url: relay.url }] }, { dataDir, vaultAt });
  isEnded(await apis(dataDir), /Your session has ended\. Sign in again/);
});

test('login says that the relay does not accept the sign-in that has just been done', async (t) => {
  const { agent, dataDir } = await signedIn(t);
  await agent.signOut();
  relay.accept(() => false);
  const env = { LATCHKEY_DATA_DIR: dataDir };
  const { code, out, err } = await runCli(['login'], env);
  assert.equal(code, 1, out);
  assert.match(err, /relay does not accept your sign-in \(token_revoked\)/);
});

test('apis says that the token could not be renewed that the relay refuses', async (t) => {
  const { agent, dataDir } = await signedIn(t);
  relay.accept(() => false);
  await idp.close();
  const { code, out, err } = await runCli(['apis', '--json'], { LATCHKEY_DATA_DIR: dataDir });
  assert.deepEqual([code, out], [1, '']);
  assert.equal(
    (JSON.parse(err) as { readonly error: { readonly code: string } }).error.code,
    'provider_unreachable',
  );
  assert.equal(agent.snapshot().status, 'offline');
});
