import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { createIdentityProvider } from '../../demo/idp.ts';
import type { IdentityProvider } from '../../demo/idp.ts';
import { findChromium, signInWithChromium } from '../support/sign-in.ts';

const callback = createServer((_request, response) => response.end('Back in the app.'));
let provider: IdentityProvider;

before(async () => {
  provider = await createIdentityProvider();
  callback.listen(0, '127.0.0.1');
  await once(callback, 'listening');
});
after(async () => {
  await provider.close();
  callback.close();
  callback.closeAllConnections();
});

function signInUrl(): string {
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
});
