import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';

import { useCompany } from '../support/company.ts';
import { signInWithFetch } from '../support/sign-in.ts';

const company = useCompany();
const redirectUri = 'http://127.0.0.1:45124/callback';

/** Gets a person's access token as the app would, without the app. */
async function tokenOf(user: string, acr = 'pwd'): Promise<string> {
  const { issuer, relayUrl, people } = company();
  const verifier = randomBytes(32).toString('base64url');
  const parameters = new URLSearchParams({
    client_id: 'latchkey-desktop',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid offline_access billing.read billing.write payroll.read',
    resource: relayUrl,
    acr_values: acr,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const password = people.find((person) => person.user === user)?.password ?? '';
  const signInUrl = `${issuer}/auth?${parameters.toString()}`;
  const { callbackUrl } = await signInWithFetch(signInUrl, user, password, {
    stopAtCallback: true,
  });
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'latchkey-desktop',
      code: new URL(callbackUrl).searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

async function ask(token: string, path: string, method = 'GET') {
  const response = await fetch(`${company().relayUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  const { status, headers } = response;
  const challenge = headers.get('www-authenticate') ?? '';
  return { status, text, challenge, requestId: headers.get('x-request-id') };
}

const codeOf = (text: string): unknown => (JSON.parse(text) as { readonly code?: unknown }).code;

describe('the demo company', () => {
  it('lets each person do through the relay what relay.yaml says, and no more', async () => {
    const [alice, bob, carol] = [
      await tokenOf('alice'),
      await tokenOf('bob'),
      await tokenOf('carol'),
    ];
    const list = await ask(bob, '/billing/invoices');
    assert.equal(list.status, 200, list.text);
    assert.match(list.text, /"requestedBy": "bob@demo.example"/);

    const approve = '/billing/invoices/INV-1002/approve';
    const refused = await ask(bob, approve, 'POST');
    assert.deepEqual([refused.status, codeOf(refused.text)], [403, 'scope']);
    const weak = await ask(alice, approve, 'POST');
    assert.deepEqual([weak.status, codeOf(weak.text)], [401, 'step_up']);
    assert.match(weak.challenge, /acr_values="mfa"/);
    assert.match(weak.challenge, /max_age="?900"?/);
    assert.equal((await ask(await tokenOf('alice', 'mfa'), approve, 'POST')).status, 200);

    const deleted = await ask(alice, '/billing/invoices/INV-1002', 'DELETE');
    assert.deepEqual([deleted.status, codeOf(deleted.text)], [403, 'denied']);
    const stranger = await ask(carol, '/billing/invoices');
    assert.deepEqual([stranger.status, codeOf(stranger.text)], [403, 'scope']);
    const hidden = await ask(alice, '/billing/__seen');
    assert.deepEqual([hidden.status, codeOf(hidden.text)], [403, 'no_rule']);
  });

  it('shows the payroll its technical account in place of the token', async () => {
    const payslips = await ask(await tokenOf('carol'), '/payroll/payslips');
    assert.equal(payslips.status, 200, payslips.text);
    assert.match(payslips.text, /^<\?xml/);
  });

  it('sees the request id that the relay answered with', async () => {
    const answer = await ask(await tokenOf('bob'), '/billing/invoices');
    const seen = await (await fetch(`${company().billingUrl}/__seen`)).text();
    assert.ok(answer.requestId !== null && seen.includes(answer.requestId));
  });

  it('restarts its relay, even after SIGKILL, on the same address', async () => {
    const before = company().relay.pid;
    await company().restartRelay('SIGKILL');
    assert.notEqual(company().relay.pid, before);
    const answer = await ask(await tokenOf('bob'), '/billing/invoices');
    assert.equal(answer.status, 200, answer.text);
  });
});
