import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { createIdentityProvider, type IdentityProvider } from '../../../demo/idp.ts';
import { startSmallRelay, type SmallRelay } from '../../support/small-relay.ts';
import { seatAgent } from '../../support/step-up-company.ts';

interface Seen {
  readonly token: string;
  readonly requestId: string | undefined;
  readonly body: string;
}

describe('a request that the relay refuses for a reason that passes', () => {
  let idp: IdentityProvider;
  let relay: SmallRelay;
  let url: string;
  let seen: Seen[] = [];
  let date: string | undefined;
  const open: { close(): Promise<void> }[] = [];

  /** Answers each try in turn; the last answer goes on for ever. */
  function answers(...codes: readonly (string | undefined)[]): void {
    const serve: RequestListener = (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const code = codes[Math.min(seen.length, codes.length - 1)];
        seen.push({
          token: (request.headers.authorization ?? '').split(' ')[1] ?? '',
          requestId: request.headers['x-request-id'] as string,
          body,
        });
        if (code === undefined) response.end('done');
        else {
          const fields = { 'X-Latchkey-Code': code, 'DPoP-Nonce': `nonce-${seen.length}` };
          if (date !== undefined) response.setHeader('Date', date);
          response.writeHead(401, fields).end(`{"code":"${code}"}`);
        }
      });
    };
    relay.serveApis(serve);
  }

  before(async () => {
    idp = await createIdentityProvider();
    relay = await startSmallRelay(idp.issuer);
    const seated = await seatAgent(relay.url);
    open.push(seated);
    ({ url } = seated);
  });
  afterEach(() => {
    seen = [];
    date = undefined;
  });
  after(async () => {
    for (const one of open) await one.close();
    await relay?.close();
    await idp?.close();
  });

  const post = (): Promise<Response> =>
    fetch(`${url}/billing/x`, { method: 'POST', body: 'the whole body' });

  const bodies = (): readonly string[] => [...new Set(seen.map(({ body }) => body))];

  test('a token refused: renewed once, and the body sent again', async () => {
    answers('token_revoked', undefined);
    assert.equal((await post()).status, 200);
    assert.equal(seen.length, 2);
    assert.deepEqual(bodies(), ['the whole body']);
    assert.notEqual(seen[0]?.token, seen[1]?.token);
    assert.notEqual(seen[0]?.requestId, seen[1]?.requestId);
  });

  test('a nonce wanted: the same token once more', async () => {
    answers('dpop_nonce', undefined);
    assert.equal((await post()).status, 200);
    assert.equal(seen.length, 2);
    assert.deepEqual(bodies(), ['the whole body']);
    assert.equal(seen[0]?.token, seen[1]?.token);
  });

  test('a proof refused for the time of this computer: once more, by the relay’s clock', async () => {
    answers('dpop_proof', undefined);
    date = new Date(Date.now() + 600_000).toUTCString();
    assert.equal((await post()).status, 200);
    assert.equal(seen.length, 2);
    date = new Date().toUTCString();
    seen = [];
    answers('dpop_proof', undefined);
    assert.equal((await post()).status, 200, 'and back');
  });

  test('each remedy is tried once: what the relay says last, the tool hears', async () => {
    answers('dpop_nonce');
    const answer = await post();
    assert.equal(answer.status, 401);
    assert.equal(await answer.text(), '{"code":"dpop_nonce"}');
    assert.equal(answer.headers.get('x-request-id'), seen[1]?.requestId);
    assert.equal(seen.length, 2);
  });

  test('reasons that no token cures are passed on at once', async () => {
    for (const code of ['dpop_proof', 'token_missing', 'scope', 'step_up']) {
      seen = [];
      answers(code);
      assert.equal((await post()).status, 401);
      assert.equal(seen.length, 1, code);
    }
  });
});
