import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { AgentError, type AgentErrorCode } from '../../../app/main/agent/errors.ts';
import { loginByDevice, type DeviceLoginDeps } from '../../../app/main/agent/login/device.ts';
import { createProvider } from '../../../app/main/agent/login/provider.ts';
import type { DeviceCode } from '../../../app/main/agent/login/provider-device.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import {
  enterCode,
  startGrantsProvider,
  type GrantsProvider,
} from '../../support/grants-provider.ts';
import { startSmallRelay, type SmallRelay } from '../../support/small-relay.ts';

let idp: GrantsProvider;
let relay: SmallRelay;

/** A provider that answers its device and token endpoints as it is told. */
interface OddProvider {
  readonly issuer: string;
  readonly polls: URLSearchParams[];
  metadata: Record<string, unknown>;
  device: Record<string, unknown>;
  deviceStatus: number;
  answers: (Record<string, unknown> | number | 'cut')[];
}
let odd: OddProvider;
let oddRelay: SmallRelay;
const closing: (() => Promise<unknown>)[] = [];

before(async () => {
  idp = await startGrantsProvider();
  relay = await startSmallRelay(idp.issuer);
  odd = await startOddProvider();
  oddRelay = await startSmallRelay(odd.issuer);
  closing.push(idp.close, relay.close, oddRelay.close);
});
after(async () => {
  for (const close of closing) await close();
});

async function startOddProvider(): Promise<OddProvider> {
  const server = createServer((request, response) => {
    const send = (status: number, body: unknown): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    const { issuer } = self;
    if (request.url === '/.well-known/openid-configuration') {
      return send(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        device_authorization_endpoint: `${issuer}/device`,
        ...self.metadata,
      });
    }
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      if (request.url === '/device') return send(self.deviceStatus, self.device);
      self.polls.push(new URLSearchParams(text));
      const answer = self.answers.shift() ?? { error: 'authorization_pending' };
      if (answer === 'cut') return request.socket.destroy();
      if (typeof answer === 'number') return response.writeHead(answer).end();
      return send('error' in answer ? 400 : 200, answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: OddProvider = {
    issuer,
    polls: [],
    metadata: {},
    deviceStatus: 200,
    device: {},
    answers: [],
  };
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return self;
}

const goodCode = {
  device_code: 'SECRET-DEVICE-CODE',
  user_code: 'WDJB-MJHT',
  verification_uri: 'https://idp.example/device',
  expires_in: 600,
  interval: 7,
};
const issued = { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'r' };

function run(
  url: string,
  options: Partial<DeviceLoginDeps> = {},
): { readonly done: Promise<TokenSet>; readonly codes: DeviceCode[]; readonly waits: number[] } {
  const codes: DeviceCode[] = [];
  const waits: number[] = [];
  const clock = { ms: 1_000_000 };
  const now = (): number => clock.ms;
  const done = loginByDevice({
    relay: new URL(url),
    provider: createProvider({ fetch, now, timeoutMs: 60_000 }),
    fetch,
    onCode: (code) => codes.push(code),
    signal: new AbortController().signal,
    now,
    wait(delayMs) {
      waits.push(delayMs);
      clock.ms += delayMs;
      return Promise.resolve();
    },
    ...options,
  });
  return { done, codes, waits };
}

function reset(answers: OddProvider['answers'], device: Record<string, unknown> = {}): void {
  odd.polls.length = 0;
  odd.metadata = {};
  odd.deviceStatus = 200;
  odd.device = { ...goodCode, ...device };
  odd.answers = answers;
}

async function fails(done: Promise<unknown>, code: AgentErrorCode, words: RegExp): Promise<void> {
  await assert.rejects(done, (error) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    assert.ok(!error.message.includes('SECRET'));
    return true;
  });
}

test('a person enters the code elsewhere: tokens for the relay, bound by DPoP, that can be refreshed', async () => {
  const described = { dpop_signing_alg_values_supported: ['ES256'] };
  relay.describe({ ...described, dpop_bound_access_tokens_required: true });
  let shown: DeviceCode | undefined;
  let page = '';
  let polls = 0;
  const tokens = await loginByDevice({
    relay: new URL(relay.url),
    provider: createProvider({ fetch, now: Date.now, timeoutMs: 60_000 }),
    fetch,
    onCode: (code) => (shown = code),
    signal: new AbortController().signal,
    async wait() {
      polls += 1;
      if (polls === 2) page = await enterCode(shown?.completeUrl ?? '', 'alice');
    },
  });
  assert.match(page, /successful/i);
  assert.equal(polls, 2, 'pending once, then done');
  assert.match(shown?.userCode ?? '', /^[A-Z0-9-]{8,}$/);
  assert.equal(shown?.url, `${idp.issuer}/device`);
  assert.equal(tokens.tokenType, 'dpop');
  assert.equal(tokens.identity?.subject, 'alice');
  assert.equal(tokens.resource, relay.url);
  const claims = decodeJwt(tokens.accessToken);
  assert.equal(claims.aud, relay.url);
  assert.ok((claims['cnf'] as { jkt?: string }).jkt);
  const provider = createProvider({ fetch, now: Date.now, timeoutMs: 60_000 });
  assert.notEqual((await provider.refresh(tokens)).accessToken, tokens.accessToken);
  relay.describe({});
});

test('a person who aborts the code is told so: access_denied', async () => {
  let shown: DeviceCode | undefined;
  const done = loginByDevice({
    relay: new URL(relay.url),
    provider: createProvider({ fetch, now: Date.now, timeoutMs: 60_000 }),
    fetch,
    onCode: (code) => (shown = code),
    signal: new AbortController().signal,
    wait: () => enterCode(shown?.completeUrl ?? '', 'alice', true),
  });
  await fails(done, 'consent_refused', /refused.*access_denied/);
});

test('the interval is kept, and five seconds longer after each slow_down', async () => {
  const pending = { error: 'authorization_pending' };
  reset([pending, { error: 'slow_down' }, pending, { error: 'slow_down' }, issued]);
  const { done, waits, codes } = run(oddRelay.url);
  assert.equal((await done).accessToken, 'a');
  assert.deepEqual(waits, [7000, 7000, 12_000, 12_000, 17_000]);
  assert.equal(codes[0]?.expiresAtMs, 1_600_000);
  assert.equal(odd.polls[0]?.get('device_code'), goodCode.device_code);
  assert.equal(odd.polls[0]?.get('resource'), oddRelay.url);
});

test('a network lost while the person is busy is no end: asked ever less often, then it goes on', async () => {
  reset(['cut', 503, 'cut', { error: 'authorization_pending' }, issued]);
  const { done, waits } = run(oddRelay.url);
  assert.equal((await done).refreshToken, 'r');
  assert.deepEqual(waits, [7000, 14_000, 28_000, 56_000, 7000]);
});

test('a code that ran out says so, whether the provider says it or the time is over', async () => {
  reset([{ error: 'expired_token' }]);
  await fails(run(oddRelay.url).done, 'sign_in_timeout', /not entered.*new one/);
  reset([], { expires_in: 20 });
  const late = run(oddRelay.url);
  await fails(late.done, 'sign_in_timeout', /not entered/);
  assert.deepEqual(late.waits, [7000, 7000]);
});

test('hostile times do no harm: a huge interval does not spin, a long life ends within the hour', async () => {
  reset([issued], { interval: 1e12, expires_in: 1e12 });
  const { done, waits, codes } = run(oddRelay.url);
  await done;
  assert.deepEqual(waits, [60_000]);
  assert.equal(codes[0]?.expiresAtMs, 1_000_000 + 3_600_000);
});

test('a provider without the device grant, or without it for this app, is named', async () => {
  reset([]);
  odd.metadata = { device_authorization_endpoint: undefined };
  await fails(run(oddRelay.url).done, 'provider_protocol', /offers no sign-in by a code/);
  reset([], { error: 'unauthorized_client' });
  odd.deviceStatus = 400;
  await fails(run(oddRelay.url).done, 'provider_refused', /device authorization grant/);
});

test('what goes to a terminal is plain text, and what a person opens is a page that can be trusted', async () => {
  for (const device of [
    { user_code: '\u001b[2Jevil' },
    { user_code: 'A'.repeat(65) },
    { user_code: 'code\nrun: rm' },
    { verification_uri: 'javascript:alert(1)' },
    { verification_uri: 'http://idp.example/device' },
    { verification_uri: 'https://idp.example@evil.example/device' },
    { verification_uri_complete: 'file:///etc/passwd' },
  ]) {
    reset([issued], device);
    const { done, codes } = run(oddRelay.url);
    await fails(done, 'provider_protocol', /not valid/);
    assert.equal(codes.length, 0, JSON.stringify(device));
  }
});

test('cancelling ends the wait at once', async () => {
  reset([]);
  const abort = new AbortController();
  const done = loginByDevice({
    relay: new URL(oddRelay.url),
    provider: createProvider({ fetch, now: Date.now, timeoutMs: 60_000 }),
    fetch,
    onCode: () => setImmediate(() => abort.abort()),
    signal: abort.signal,
  });
  await fails(done, 'sign_in_cancelled', /cancelled/);
  assert.equal(odd.polls.length, 0);
});

test('tokens that are not bound are refused where the relay wants them bound', async () => {
  reset([issued]);
  odd.metadata = { dpop_signing_alg_values_supported: ['ES256'] };
  oddRelay.describe({ dpop_bound_access_tokens_required: true });
  await fails(run(oddRelay.url).done, 'provider_protocol', /DPoP/);
  oddRelay.describe({});
});
