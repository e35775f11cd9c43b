import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProofKey, proof } from '../support/dpop.ts';
import { createTestIssuer } from '../support/issuer.ts';
import {
  inTime,
  logoutToken,
  openEvents,
  openSocket,
  postLogout,
  prepareRelays,
  startStreams,
  use,
} from '../support/logout.ts';
import { createRawUpstream } from '../support/raw.ts';
import { startRedis } from '../support/redis.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const revoke = (management: string | undefined, order: unknown): Promise<Response> =>
  fetch(`${management}/revocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });

test('a token that was verified before and is cached is refused once it is revoked', async (t) => {
  const { relay, token, upstream } = await createRelayBench(t);
  const stolen = await token({ jti: 'stolen' });
  for (let at = 0; at < 3; at++) assert.equal((await use(relay.url, stolen)).status, 200);
  assert.equal((await revoke(relay.management, { jti: 'stolen' })).status, 200);
  const before = upstream.requests();
  const refused = await use(relay.url, stolen);
  assert.deepEqual([refused.status, refused.code], [401, 'token_revoked']);
  assert.match(
    refused.answer.headers.get('www-authenticate') ?? '',
    /Bearer .*error="invalid_token".*resource_metadata=/,
  );
  assert.equal(upstream.requests(), before, 'nothing reached the API');
});

test('a revoked token is refused in every spelling: the jti counts, not the bytes', async (t) => {
  const { relay, token } = await createRelayBench(t);
  const claims = { jti: 'same' };
  assert.equal((await revoke(relay.management, { jti: 'same' })).status, 200);
  const spellings = await Promise.all([token(claims), token({ ...claims, extra: 1 })]);
  for (const one of spellings) assert.equal((await use(relay.url, one)).code, 'token_revoked');
});

test('a token that expires while it is cached is refused', async (t) => {
  const { relay, token } = await createRelayBench(t, { issuer: '    clockTolerance: 0s' });
  const short = await token({ exp: Math.floor(Date.now() / 1000) + 12 });
  assert.equal((await use(relay.url, short)).status, 200);
  const end = async () => (await use(relay.url, short)).code === 'token_expired';
  await until('the token has expired', end, { everyMs: 100 });
});

test('streams end when their token expires, by 1008 or a cut', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const relays = await prepareRelays(t, { issuers: [issuer], upstream: await startStreams(t) });
  const { url } = await relays.start();
  const exp = Math.floor(Date.now() / 1000) + 12;
  const short = await issuer.mint({ aud: 'https://relay.test', scope: 'read', exp });
  const [socket, events] = [await openSocket(url, short), await openEvents(url, short)];
  assert.equal(await inTime(socket.ended), 1008);
  assert.equal(await inTime(events.ended), 'cut');
});

test('a logout told to one relay holds at the others, and survives the death of Redis', async (t) => {
  const [issuer, redis] = [await createTestIssuer(), await startRedis(t)];
  t.after(() => issuer.close());
  const relays = await prepareRelays(t, {
    issuers: [issuer],
    upstream: await startStreams(t),
    top: `state: { redis: '${redis.url}' }`,
  });
  const [one, other] = [await relays.start('one'), await relays.start('other')];
  const iat = Math.floor(Date.now() / 1000) - 60;
  const ann = await issuer.mint({ aud: 'https://relay.test', scope: 'read', sub: 'ann', iat });
  const socket = await openSocket(other.url, ann);
  const logout = await logoutToken(issuer, { sub: 'ann' });
  assert.equal((await postLogout(one.url, logout)).status, 200);
  assert.equal(await inTime(socket.ended), 1008);
  assert.equal((await use(other.url, ann)).code, 'token_revoked');
  assert.equal((await postLogout(other.url, logout)).status, 400, 'used at the other relay');

  await redis.kill();
  assert.equal((await use(other.url, ann)).code, 'token_revoked');
  const during = await postLogout(one.url, await logoutToken(issuer, { sub: 'bob' }));
  assert.equal(during.status, 503);
  assert.equal(((await during.json()) as { code: string }).code, 'state_unavailable');
  const unready = async (): Promise<boolean> => !(await fetch(`${one.management}/readyz`)).ok;
  await until('the relay is not ready without Redis', unready);
  await redis.start();
  const late = await relays.start('late');
  const isTold = async (): Promise<boolean> => (await use(late.url, ann)).code === 'token_revoked';
  await until('the others have told Redis, and Redis the new one', isTold);
});

test('a DPoP proof that one relay took is a replay at the other', async (t) => {
  const [issuer, redis] = [await createTestIssuer(), await startRedis(t)];
  const upstream = await createRawUpstream();
  t.after(() => Promise.all([issuer.close(), upstream.close()]));
  const relays = await prepareRelays(t, {
    issuers: [issuer],
    upstream: upstream.url,
    top: `state: { redis: '${redis.url}' }`,
  });
  const [one, other] = [await relays.start('one'), await relays.start('other')];
  const key = await createProofKey();
  const cnf = { jkt: key.jkt };
  const token = await issuer.mint({ aud: 'https://relay.test', scope: 'read', cnf });
  const shown = { key, url: 'https://relay.test/x/1', token };
  const send = async (url: string, dpop: string): Promise<string> => {
    const headers = { authorization: `DPoP ${token}`, dpop };
    const answer = await fetch(`${url}/x/1`, { headers });
    return `${answer.status} ${/"code":"([a-z_]+)"/.exec(await answer.text())?.[1] ?? ''}`;
  };
  const used = await proof(shown);
  assert.equal(await send(one.url, used), '200 ');
  assert.equal(await send(other.url, used), '401 dpop_proof');
  assert.equal(await send(other.url, await proof(shown)), '200 ');
  await redis.kill();
  assert.equal(await send(one.url, await proof(shown)), '503 state_unavailable');
});
