import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allRecords as readAudit } from '../audit/ledger-dir.ts';
import { signInWithFetch } from '../support/sign-in.ts';
import { seatAgent, useStepUpCompany, type SeatedAgent } from '../support/step-up-company.ts';
import { until } from '../support/until.ts';

describe('an API, or another person, cannot make use of a step-up', () => {
  const bench = useStepUpCompany();
  let seated: SeatedAgent & { close(): Promise<void> };

  before(async () => {
    // Signing in takes its time on a busy machine.
    seated = await seatAgent(bench().company.relayUrl, { signIn: { waitSeconds: 120 } });
  });
  after(async () => seated?.close());

  for (const [code, challenge] of [
    ['step_up', 'Bearer error="insufficient_user_authentication", acr_values="mfa"'],
    ['token_revoked', 'Bearer error="invalid_token"'],
    ['dpop_nonce', 'DPoP error="use_dpop_nonce"'],
  ] as const) {
    test(`an API that answers 401 in the relay's words (${code}): no tab, no second request`, async () => {
      bench().received.length = 0;
      bench().answer = (_request, response) => {
        response.writeHead(401, {
          'WWW-Authenticate': challenge,
          'X-Latchkey-Code': code,
          X_Latchkey_Code: code,
          'DPoP-Nonce': 'of-the-api',
        });
        response.end('mine');
      };
      for (const method of ['GET', 'POST']) {
        const answer = await fetch(`${seated.url}/billing/plain`, { method });
        assert.equal(answer.status, 401);
        assert.equal(await answer.text(), 'mine');
        assert.equal(answer.headers.get('x-latchkey-code'), null);
        assert.equal(answer.headers.get('retry-after'), null);
      }
      assert.deepEqual(
        bench().received.map(({ method }) => method),
        ['GET', 'POST'],
        'an API that has received a request never receives it again',
      );
      assert.equal(seated.tabs.length, 0);
      const kinds = (await readAudit(join(seated.dataDir, 'audit'))).map(({ kind }) => kind);
      assert.ok(!kinds.includes('refresh'));
      delete bench().answer;
    });
  }

  test('another person who confirms: not done in their name, and the session stays', async () => {
    bench().received.length = 0;
    seated.person = (url) => signInWithFetch(url, 'bob', 'bob-demo');
    const answer = await fetch(`${seated.url}/billing/transfer`, { method: 'POST', body: 'x' });
    assert.equal(answer.status, 401);
    assert.match(await answer.text(), /"code":"step_up"/);
    assert.equal(bench().received.length, 0);
    const { status, user, fault } = seated.agent.snapshot();
    assert.deepEqual([status, user?.subject, fault?.code], ['ready', 'alice', 'other_person']);
    assert.equal((await fetch(`${seated.url}/billing/plain`)).status, 200);
    let recorded: readonly unknown[] | undefined;
    await until('the step-up is recorded', async () => {
      const records = await readAudit(join(seated.dataDir, 'audit'));
      const found = records.find(({ kind }) => kind === 'step-up');
      recorded = found && [found.user, found.decision, found.code];
      return recorded;
    });
    assert.deepEqual(recorded, ['alice', 'deny', 'other_person']);
  });
});
