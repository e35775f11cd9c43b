import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RunningRelay } from '../../relay/serve.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { createTestIssuer, type TestIssuer } from '../support/issuer.ts';
import {
  inTime,
  logoutToken,
  openEvents,
  openSocket,
  postLogout,
  prepareRelays,
  startStreams,
  use,
  type Relays,
} from '../support/logout.ts';
import { createRawUpstream } from '../support/raw.ts';

const secondsAgo = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;

interface Bench {
  readonly issuer: TestIssuer;
  readonly other: TestIssuer;
  readonly relays: Relays;
  readonly relay: RunningRelay;
  token(claims?: Readonly<Record<string, unknown>>, issuer?: TestIssuer): Promise<string>;
}

async function bench(t: TestContext, upstream?: string): Promise<Bench> {
  const [issuer, other] = [await createTestIssuer(), await createTestIssuer()];
  const plain = await createRawUpstream();
  const relays = await prepareRelays(t, {
    issuers: [issuer, other],
    upstream: upstream ?? plain.url,
  });
  const relay = await relays.start();
  t.after(() => Promise.all([issuer.close(), other.close(), plain.close()]));
  const old = { aud: 'https://relay.test', scope: 'read', sub: 'ann', iat: secondsAgo(60) };
  return {
    issuer,
    other,
    relays,
    relay,
    token: (claims = {}, from = issuer) => from.mint({ ...old, ...claims }),
  };
}

test('a logout of a person ends what was issued until then, at that issuer only', async (t) => {
  const { relay, issuer, other, token } = await bench(t);
  const iat = secondsAgo(10);
  const [ann, bob, foreign, later] = await Promise.all([
    token(),
    token({ sub: 'bob' }),
    token({}, other),
    token({ iat: secondsAgo(0) }),
  ]);
  assert.equal((await use(relay.url, ann)).status, 200, 'cached as good');
  const answer = await postLogout(relay.url, await logoutToken(issuer, { sub: 'ann', iat }));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9A-Z]{26}$/);
  assert.equal(await answer.text(), '');

  const refused = await use(relay.url, ann);
  assert.deepEqual([refused.status, refused.code], [401, 'token_revoked']);
  assert.match(refused.answer.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
  assert.equal(refused.answer.headers.get('content-type'), 'application/problem+json');
  for (const fine of [bob, foreign, later]) assert.equal((await use(relay.url, fine)).status, 200);
});

test('a logout of a session leaves the others of that person', async (t) => {
  const { relay, issuer, token } = await bench(t);
  const [ended, going, unnamed] = await Promise.all([
    token({ sid: 's1' }),
    token({ sid: 's2' }),
    token(),
  ]);
  const logout = await logoutToken(issuer, { sub: 'ann', sid: 's1' });
  assert.equal((await postLogout(relay.url, logout)).status, 200);
  assert.equal((await use(relay.url, ended)).code, 'token_revoked');
  assert.equal((await use(relay.url, going)).status, 200);
  assert.equal((await use(relay.url, unnamed)).code, 'token_revoked', 'it may be of that session');
});

test('a logout by session alone is enough', async (t) => {
  const { relay, issuer, token } = await bench(t);
  const ended = await token({ sid: 's1' });
  const logout = await logoutToken(issuer, { sub: undefined, sid: 's1' });
  assert.equal((await postLogout(relay.url, logout)).status, 200);
  assert.equal((await use(relay.url, ended)).code, 'token_revoked');
});

test('the relay itself may be the audience, and older forms of logout tokens are taken', async (t) => {
  const { relay, issuer } = await bench(t);
  for (const [claims, typ] of [
    [{ aud: 'https://relay.test' }, 'logout+jwt'],
    [{ aud: ['somebody', 'latchkey-desktop'] }, 'application/logout+jwt'],
    [{ exp: undefined }, 'JWT'],
  ] as const) {
    const answer = await postLogout(relay.url, await logoutToken(issuer, claims, { typ }));
    assert.equal(answer.status, 200, await answer.text());
  }
});

test('open streams of a revoked token end at once, others go on', async (t) => {
  const { relay, relays, issuer, token } = await bench(t, await startStreams(t));
  const [events, socket, others] = [
    await openEvents(relay.url, await token()),
    await openSocket(relay.url, await token()),
    await openSocket(relay.url, await token({ sub: 'bob' })),
  ];
  assert.equal(
    (await postLogout(relay.url, await logoutToken(issuer, { sub: 'ann' }))).status,
    200,
  );
  assert.equal(await inTime(socket.ended), 1008);
  assert.equal(await inTime(events.ended), 'cut');
  await assert.rejects(inTime(others.ended, 300), /did not happen/);
  others.close();
  await relay.stop();
  const records = await allRecords(join(relays.dir, 'relay-audit'));
  const outcomes = records.filter(
    ({ kind, closedBy }) => kind === 'outcome' && closedBy === 'revocation',
  );
  assert.equal(outcomes.length, 2);
});

test('the audit says whose sessions ended, and which logouts were refused', async (t) => {
  const { relay, relays, issuer } = await bench(t);
  const logout = await logoutToken(issuer, { sub: 'ann' });
  const accepted = await postLogout(relay.url, logout);
  assert.equal((await postLogout(relay.url, 'nonsense')).status, 400);
  await relay.stop();
  const records = await allRecords(join(relays.dir, 'relay-audit'));
  const signOut = records.find(({ kind }) => kind === 'sign-out');
  assert.equal(signOut?.user, 'ann');
  assert.equal(signOut?.issuer, issuer.issuer);
  assert.equal(signOut?.requestId, accepted.headers.get('x-request-id'));
  assert.match(String(signOut?.detail), /back-channel logout of every session/);
  const refusal = records.find(({ kind, status }) => kind === 'outcome' && status === 400);
  assert.equal(refusal?.code, 'bad_request');
  assert.doesNotMatch(JSON.stringify(records), new RegExp(logout.slice(-40)));
});

test('a restart revives no revoked token, and a damaged file stops the start', async (t) => {
  const { relay, relays, issuer, token } = await bench(t);
  const ann = await token();
  assert.equal(
    (await postLogout(relay.url, await logoutToken(issuer, { sub: 'ann' }))).status,
    200,
  );
  await relay.stop();
  const again = await relays.start();
  assert.equal((await use(again.url, ann)).code, 'token_revoked');
  await again.stop();
  const file = join(relays.dir, 'relay-audit', 'revocations.jsonl');
  await writeFile(file, `nonsense\n${await readFile(file, 'utf8')}`);
  await assert.rejects(relays.start(), /revocations\.jsonl:1 is not a revocation/);
});

test('while the issuer cannot be reached a logout is asked for again, not refused', async (t) => {
  const { relay, issuer } = await bench(t);
  await issuer.rotate();
  const logout = await logoutToken(issuer);
  issuer.down();
  const answer = await postLogout(relay.url, logout);
  assert.equal(answer.status, 503);
  assert.equal(((await answer.json()) as { code: string }).code, 'issuer_unavailable');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
});
