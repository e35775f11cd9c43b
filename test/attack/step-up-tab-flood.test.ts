import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createIdentityProvider, type IdentityProvider } from '../../demo/idp.ts';
import { startSmallRelay, type SmallRelay } from '../support/small-relay.ts';
import { seatAgent, type SeatedAgent } from '../support/step-up-company.ts';

describe('a hostile relay does not open browser tabs at will', () => {
  let idp: IdentityProvider;
  let relay: SmallRelay;
  const open: { close(): Promise<void> }[] = [];
  let challenge: () => string;

  before(async () => {
    idp = await createIdentityProvider();
    relay = await startSmallRelay(idp.issuer);
    relay.serveApis((_request, response) => {
      response.writeHead(401, {
        'WWW-Authenticate': challenge(),
        'X-Latchkey-Code': 'step_up',
        'Content-Type': 'application/problem+json',
      });
      response.end('{"code":"step_up"}');
    });
  });
  after(async () => {
    for (const one of open) await one.close();
    await relay?.close();
    await idp?.close();
  });

  async function seat(): Promise<SeatedAgent> {
    // Long enough for each sign-in to end on a busy machine.
    const seated = await seatAgent(relay.url, { signIn: { waitSeconds: 15 } });
    open.push(seated);
    return seated;
  }

  const get = async ({ url }: SeatedAgent): Promise<number> => {
    const answer = await fetch(`${url}/billing/x`);
    await answer.arrayBuffer();
    return answer.status;
  };

  test('the same wish at every request: one tab', async () => {
    challenge = () => 'Bearer error="insufficient_user_authentication", acr_values="pwd"';
    const seated = await seat();
    for (let round = 0; round < 5; round += 1) assert.equal(await get(seated), 401);
    assert.equal(seated.tabs.length, 1);
  });

  test('another wish at every request, and a person who always obeys: five tabs', async () => {
    let number = 0;
    challenge = () =>
      `Bearer error="insufficient_user_authentication", acr_values="class-${number++}"`;
    const seated = await seat();
    for (let round = 0; round < 5; round += 1) assert.equal(await get(seated), 401);
    assert.equal(seated.tabs.length, 5);
    const more = await Promise.all(Array.from({ length: 10 }, () => get(seated)));
    assert.deepEqual([...new Set(more)], [401]);
    assert.equal(seated.tabs.length, 5);
    assert.ok(seated.notices.length <= 6);
  });

  test('what it asks for stays one parameter of the provider’s own page', async () => {
    const sly = "x&redirect_uri=https://evil.example/#'><script>";
    challenge = () =>
      `Bearer error="insufficient_user_authentication", acr_values="${sly}", max_age="0"`;
    const seated = await seat();
    assert.equal(await get(seated), 401);
    assert.equal(seated.tabs.length, 1);
    const url = new URL(seated.tabs[0] ?? '');
    assert.equal(url.origin, new URL(idp.issuer).origin);
    assert.deepEqual(url.searchParams.getAll('acr_values'), [sly]);
    assert.equal(url.searchParams.getAll('redirect_uri').length, 1);
    assert.match(url.searchParams.get('redirect_uri') ?? '', /^http:\/\/127\.0\.0\.1:/);
    assert.equal(url.hash, '');
  });

  test('values that are no values open nothing', async () => {
    const seated = await seat();
    for (const value of ['a"b', 'x'.repeat(300), 'y '.repeat(50), '\u00e9', '']) {
      const quoted = value.replace(/[\\"]/g, '\\$&');
      challenge = () => `Bearer error="insufficient_user_authentication", acr_values="${quoted}"`;
      assert.equal(await get(seated), 401);
    }
    challenge = () => 'Bearer error="insufficient_user_authentication", max_age="-5"';
    assert.equal(await get(seated), 401);
    assert.equal(seated.tabs.length, 0);
  });
});
