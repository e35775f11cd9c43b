import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { decodeJwt } from 'jose';
import { createIdentityProvider } from '../../demo/idp.ts';
import type { IdentityProvider } from '../../demo/idp.ts';
import { demoCode } from '../../demo/people.ts';
import { findChromium, launchChromium, signInWithChromium } from '../support/sign-in.ts';
import { until } from '../support/until.ts';

const logouts: URLSearchParams[] = [];
const callback = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (text += chunk));
  request.on('end', () => {
    if (request.method === 'POST') logouts.push(new URLSearchParams(text));
    response.end(request.method === 'POST' ? '' : 'Back in the app.');
  });
});
let provider: IdentityProvider;

before(async () => {
  callback.listen(0, '127.0.0.1');
  await once(callback, 'listening');
  const { port } = callback.address() as AddressInfo;
  provider = await createIdentityProvider({
    backchannelLogoutUri: `http://127.0.0.1:${port}/logout`,
  });
});
after(async () => {
  await provider.close();
  callback.close();
  callback.closeAllConnections();
});

function signInUrl(changes: Record<string, string> = {}): string {
  const { port } = callback.address() as AddressInfo;
  const url = new URL(`${provider.issuer}/auth`);
  url.search = new URLSearchParams({
    client_id: 'latchkey-desktop',
    response_type: 'code',
    redirect_uri: `http://127.0.0.1:${port}/callback`,
    scope: 'openid offline_access billing.read payroll.read',
    resource: 'http://127.0.0.1:18443',
    state: 'the-state',
    prompt: 'consent',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...changes,
  }).toString();
  return url.href;
}

const skip = findChromium() === undefined ? 'no Chromium: set CHROMIUM_PATH' : false;

describe('the pages of the identity provider in a real browser', { skip }, () => {
  it('lead to the callback of the app, past their own content security policy', async () => {
    const result = await signInWithChromium(signInUrl(), 'bob', 'bob-demo');
    const answer = new URL(result.callbackUrl).searchParams;
    assert.equal(answer.get('state'), 'the-state');
    assert.ok(answer.get('code'));
    assert.equal(result.text, 'Back in the app.');
  });

  it('lead back with access_denied when the person presses Deny', async () => {
    const result = await signInWithChromium(signInUrl(), 'bob', 'bob-demo', { deny: true });
    const answer = new URL(result.callbackUrl).searchParams;
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('code'), null);
  });

  it('ask for what is missing only: the code, then the password again, then nothing', async () => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      const allow = async (): Promise<void> => {
        await page.getByRole('button', { name: 'Allow' }).click();
        await page.getByText('Back in the app.').waitFor();
      };
      const password = async (): Promise<void> => {
        await page.getByLabel('User name').fill('alice');
        await page.getByLabel('Password').fill('alice-demo');
        await page.getByRole('button', { name: 'Sign in' }).click();
      };
      await page.goto(signInUrl());
      await password();
      await allow();
      await page.goto(signInUrl({ acr_values: 'mfa' }));
      assert.equal(await page.getByLabel('Password').count(), 0, 'the password was given just now');
      await page.getByLabel('One-time code').fill(demoCode);
      await page.getByRole('button', { name: 'Confirm' }).click();
      await allow();
      await page.goto(signInUrl({ acr_values: 'mfa', max_age: '3600' }));
      await allow();
      await sleep(1100);
      await page.goto(signInUrl({ acr_values: 'mfa', max_age: '0' }));
      await password();
      await page.getByLabel('One-time code').fill(demoCode);
      await page.getByRole('button', { name: 'Confirm' }).click();
      await allow();

      await page.goto(`${provider.issuer}/session/end`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('Your session has ended.').waitFor();
      await until('the app is told', () => logouts.length > 0);
      const claims = decodeJwt(logouts.at(-1)?.get('logout_token') ?? '');
      assert.equal(claims.sub, 'alice');
      assert.equal(typeof claims['sid'], 'string');
    } finally {
      await browser.close();
    }
  });
});
