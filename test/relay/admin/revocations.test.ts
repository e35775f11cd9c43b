import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RunningRelay } from '../../../relay/serve.ts';
import { allRecords } from '../../audit/ledger-dir.ts';
import { createTestIssuer, type TestIssuer } from '../../support/issuer.ts';
import {
  inTime,
  openEvents,
  openSocket,
  prepareRelays,
  startStreams,
  use,
  type Relays,
} from '../../support/logout.ts';
import { createRawUpstream, sendRaw, statusOf } from '../../support/raw.ts';

interface Bench {
  readonly issuers: readonly TestIssuer[];
  readonly relays: Relays;
  readonly relay: RunningRelay;
  token(sub: string): Promise<string>;
}

async function bench(t: TestContext, issuerCount: number, upstream?: string): Promise<Bench> {
  const issuers = await Promise.all(Array.from({ length: issuerCount }, () => createTestIssuer()));
  const plain = await createRawUpstream();
  t.after(() => Promise.all([plain.close(), ...issuers.map((issuer) => issuer.close())]));
  const relays = await prepareRelays(t, { issuers, upstream: upstream ?? plain.url });
  const relay = await relays.start();
  const claims = { aud: 'https://relay.test', scope: 'read' };
  const token = (sub: string): Promise<string> =>
    (issuers[0] as TestIssuer).mint({ ...claims, sub });
  return { issuers, relays, relay, token };
}

type Answer = Readonly<Record<string, unknown>>;

async function order(
  { management }: RunningRelay,
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<{ readonly status: number; readonly body: Answer }> {
  const answer = await fetch(`${management}/revocations`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

test('IT ends a person’s sessions: tokens, streams, and a record of who and why', async (t) => {
  const { relay, relays, issuers, token } = await bench(t, 1, await startStreams(t));
  const [socket, events, others] = [
    await openSocket(relay.url, await token('ann')),
    await openEvents(relay.url, await token('ann')),
    await openSocket(relay.url, await token('bob')),
  ];
  const { status, body } = await order(relay, { user: 'ann', reason: 'laptop stolen' });
  assert.equal(status, 200);
  assert.equal(body['streamsCut'], 2);
  const revoked = body['revoked'] as Answer;
  assert.equal(revoked['kind'], 'sub');
  assert.equal(revoked['issuer'], issuers[0]?.issuer);
  assert.equal(await inTime(socket.ended), 1008);
  assert.equal(await inTime(events.ended), 'cut');
  assert.equal((await use(relay.url, await token('ann'))).code, 'token_revoked');
  others.close();

  const list = (await (await fetch(`${relay.management}/revocations`)).json()) as Answer;
  assert.equal(list['total'], 1);
  assert.deepEqual(list['revocations'], [revoked]);
  await relay.stop();
  const records = await allRecords(join(relays.dir, 'relay-audit'));
  const signOut = records.find(({ kind }) => kind === 'sign-out');
  assert.equal(signOut?.user, 'ann');
  assert.deepEqual(JSON.parse(String(signOut?.detail)), {
    by: 'admin',
    kind: 'sub',
    reason: 'laptop stolen',
  });
  assert.ok(records.some(({ kind }) => kind === 'admin-read'));
});

test('what the issuer’s faster clock dated ahead is revoked too, later tokens are not', async (t) => {
  const { relay, issuers } = await bench(t, 1);
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await order(relay, { sub: 'ann' })).status, 200);
  const claims = { aud: 'https://relay.test', scope: 'read', sub: 'ann' };
  const issuer = issuers[0] as TestIssuer;
  const ahead = await issuer.mint({ ...claims, iat: now + 20 });
  assert.equal((await use(relay.url, ahead)).code, 'token_revoked');
  const beforeMs = Date.now();
  const { body } = (await order(relay, { sub: 'carol' })) as { body: Answer };
  const untilMs = Date.parse(String((body['revoked'] as Answer)['issuedUntil']));
  assert.ok(untilMs >= beforeMs + 30_000 && untilMs <= Date.now() + 30_000);
});

test('an order that is not clear changes nothing, and the answer says what to send', async (t) => {
  const { relay, issuers } = await bench(t, 2);
  const issuer = issuers[0]?.issuer;
  for (const [body, detail] of [
    ['', /JSON object/],
    ['[]', /JSON object/],
    ['{"sub":"a","sub":"b"}', /JSON object/],
    [{ issuer }, /exactly one/],
    [{ issuer, sub: 'a', sid: 'b' }, /exactly one/],
    [{ issuer, sub: '' }, /`sub`/],
    [{ issuer, sub: ['a'] }, /`sub`/],
    [{ issuer, sub: 'a', reason: 'r'.repeat(501) }, /`reason`/],
    [{ issuer, sub: 'a', resaon: 'x' }, /Only these members/],
    [{ sub: 'a' }, /`issuer` must be one of/],
    [{ issuer: 'https://elsewhere.example', sub: 'a' }, /`issuer` must be one of/],
  ] as const) {
    const answer = await order(relay, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(String(answer.body['detail']), detail);
  }
  const list = (await (await fetch(`${relay.management}/revocations`)).json()) as Answer;
  assert.equal(list['total'], 0);
  assert.equal((await order(relay, { issuer, jti: 'j' })).status, 200);
});

test('web pages, forms, floods and other methods get nowhere', async (t) => {
  const { relay, token } = await bench(t, 1);
  const ann = await token('ann');
  const good = '{"sub":"ann"}';
  assert.equal((await order(relay, good, { 'content-type': 'text/plain' })).status, 415);
  const large = await order(relay, { sub: 'ann', reason: 'r'.repeat(20_000) });
  assert.deepEqual([large.status, large.body['code']], [413, 'too_large']);
  const coded = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  assert.equal((await order(relay, good, coded)).status, 400);
  const { host } = new URL(String(relay.management));
  const post = (fields: string): Promise<string> =>
    sendRaw(
      String(relay.management),
      `POST /revocations HTTP/1.1\r\n${fields}Content-Type: application/json\r\nContent-Length: ${good.length}\r\n\r\n${good}`,
    );
  assert.equal(statusOf(await post('Host: evil.example\r\n')), 403);
  assert.equal(statusOf(await post(`Host: ${host}\r\nOrigin: https://evil.example\r\n`)), 403);
  const deleted = await fetch(`${relay.management}/revocations`, { method: 'DELETE' });
  assert.equal(deleted.status, 405);
  assert.equal((await use(relay.url, ann)).status, 200);
  assert.equal(
    (await fetch(`${relay.url}/revocations`)).status,
    401,
    'never on the public listener',
  );
});
