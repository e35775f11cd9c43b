import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import type { AuditRecord } from '../../audit/record.ts';
import { createJar, walkToCallback, type Jar } from '../support/console-provider.ts';
import { SIGN_OUT, signIn, withSignIn, type SignInBench } from '../support/console-sign-in.ts';
import { editConfig, postReload } from '../support/operator.ts';
import { until } from '../support/until.ts';
import { allRecords } from '../audit/ledger-dir.ts';

const SESSION = '__Host-latchkey-console';

async function statusAt(jar: Jar, address: string): Promise<number> {
  const answer = await jar.visit(address);
  await answer.body?.cancel();
  return answer.status;
}

test('a session is made at the sign-in: what was planted before stands for nothing after', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const jar = createJar();
  const planted = randomBytes(32).toString('base64url');
  const headers = { cookie: `${SESSION}=${planted}` };
  await (await fetch(`${url}/console/sign-in`, { headers, redirect: 'manual' })).text();
  const callback = await walkToCallback(jar, `${url}/console/sign-in`, 'auditor-ann');
  const attempt = `__Host-latchkey-sign-in=${jar.cookies(url).get('__Host-latchkey-sign-in')}`;
  const answer = await fetch(callback, { headers: { cookie: `${headers.cookie}; ${attempt}` } });
  assert.equal(answer.status, 200);
  const set = answer.headers.getSetCookie().find((line) => line.startsWith(SESSION));
  const secret = String(/=([^;]*)/.exec(String(set))?.[1]);
  assert.notEqual(secret, planted);
  assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal((await fetch(`${url}/audit`, { headers })).status, 401);
  const both = { cookie: `${SESSION}=${planted}; ${SESSION}=${secret}` };
  assert.equal((await fetch(`${url}/audit`, { headers: both })).status, 401, 'two are none');
  const other = await signIn(signIns, 'auditor-ann');
  assert.notEqual(other.jar.cookies(url).get(SESSION), secret, 'each sign-in has its own');
});

test('the code of one sign-in serves no other (injection)', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const [attacker, victim] = [createJar(), createJar()];
  const theirs = new URL(await walkToCallback(attacker, `${url}/console/sign-in`, 'auditor-eve'));
  const own = new URL(await walkToCallback(victim, `${url}/console/sign-in`, 'auditor-ann'));
  own.searchParams.set('code', String(theirs.searchParams.get('code')));
  assert.equal((await victim.visit(own.href)).status, 502, 'PKCE');
  assert.equal(victim.cookies(url).get(SESSION), undefined);
});

test('thousands of sign-ins that never come back keep nobody from signing in', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const jar = createJar();
  const callback = await walkToCallback(jar, `${url}/console/sign-in`, 'auditor-ann');
  for (let round = 0; round < 15; round += 1)
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const answer = await fetch(`${url}/console/sign-in?to=/`, { redirect: 'manual' });
        assert.equal(answer.status, 302);
        await answer.body?.cancel();
      }),
    );
  assert.equal((await jar.visit(callback)).status, 200);
  assert.equal(await statusAt(jar, `${url}/audit`), 200);
});

test('what an open page asks for by itself keeps no session from ending', async (t) => {
  const signIns = await withSignIn(t, { signIn: { idleMs: 10_000 } });
  const { url } = signIns.bench;
  const paths = ['/console/api/status', '/console/api/summary?minutes=60', '/audit/stream'];
  const stay = async (path: string): Promise<void> => {
    const { jar } = await signIn(signIns, 'auditor-ann');
    const status = (): Promise<number> => statusAt(jar, `${url}${path}`);
    assert.equal(await status(), 200);
    await until(`${path} is refused`, async () => (await status()) === 401, { everyMs: 200 });
  };
  await Promise.all(paths.map(stay));
});

test('however much it is used, a session ends', async (t) => {
  const signIns = await withSignIn(t, { signIn: { sessionMs: 10_000 } });
  const { url } = signIns.bench;
  const { jar } = await signIn(signIns, 'auditor-ann');
  assert.equal(await statusAt(jar, `${url}/audit?limit=1`), 200);
  const isOver = async (): Promise<boolean> =>
    (await statusAt(jar, `${url}/audit?limit=1`)) === 401;
  await until('401', isOver, { everyMs: 200 });
});

test('a live stream shows nothing of what happens after the session', async (t) => {
  const signIns = await withSignIn(t);
  const { bench } = signIns;
  const { jar } = await signIn(signIns, 'auditor-ann');
  const cookie = `${SESSION}=${jar.cookies(bench.url).get(SESSION)}`;
  const seen: string[] = [];
  let isOver = false;
  const source = new EventSource(`${bench.url}/audit/stream`, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, cookie } }),
  });
  t.after(() => source.close());
  source.addEventListener('record', (event) => {
    seen.push((JSON.parse(String(event.data)) as AuditRecord).path ?? '');
  });
  source.addEventListener('over', () => (isOver = true));
  await new Promise((resolve, reject) => {
    source.addEventListener('open', resolve, { once: true });
    source.addEventListener('error', reject, { once: true });
  });
  await bench.send('alice', '/x/before');
  await until('it is live', () => seen.includes('/x/before'));
  assert.equal((await jar.visit(`${bench.url}/console/sign-out`, SIGN_OUT)).status, 200);
  await bench.send('alice', '/x/after');
  await until('it is over', () => isOver);
  assert.ok(!seen.includes('/x/after'));
});

async function revoke({ bench }: SignInBench, order: Record<string, string>): Promise<void> {
  const answer = await fetch(`${bench.url}/revocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  assert.equal(answer.status, 200, await answer.text());
}

test('whose role was taken away is out as soon as their sessions are ended, and stays out', async (t) => {
  const signIns = await withSignIn(t, { isIssuer: true });
  const { bench, provider } = signIns;
  const [ann, bea] = [await signIn(signIns, 'auditor-ann'), await signIn(signIns, 'auditor-bea')];
  provider.demoted.add('auditor-ann');
  await revoke(signIns, { issuer: provider.issuer, sub: 'auditor-ann' });
  assert.equal(await statusAt(ann.jar, `${bench.url}/audit`), 401);
  assert.equal(await statusAt(bea.jar, `${bench.url}/audit`), 200);
  const again = await walkToCallback(ann.jar, `${bench.url}/console/sign-in`, 'auditor-ann');
  assert.equal(await statusAt(ann.jar, again), 403);

  // Signed in again at once, by a clock that may be behind: no session, and no going round in circles.
  await revoke(signIns, { issuer: provider.issuer, sub: 'auditor-bea' });
  const at = await walkToCallback(bea.jar, `${bench.url}/console/sign-in`, 'auditor-bea');
  const answer = await bea.jar.visit(at);
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /Your sessions were ended/);
  const codes = (await allRecords(bench.auditDir))
    .filter(({ kind }) => kind === 'sign-in')
    .map(({ user, code }) => `${user} ${code ?? 'in'}`);
  assert.deepEqual(codes.slice(-2), ['auditor-ann role', 'auditor-bea token_revoked']);
});

test('the provider ends a session by its back channel', async (t) => {
  const signIns = await withSignIn(t, { isIssuer: true });
  const { bench, provider } = signIns;
  const [ann, bea] = [await signIn(signIns, 'auditor-ann'), await signIn(signIns, 'auditor-bea')];
  // She signs out at the provider itself, in another tab.
  const form = await (await ann.jar.visit(`${provider.issuer}/session/end`)).text();
  const xsrf = String(/name="xsrf" value="([^"]+)"/.exec(form)?.[1]);
  await ann.jar.visit(`${provider.issuer}/session/end/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ xsrf, logout: 'yes' }),
  });
  await until('the provider told the relay', () => provider.deliveries.length > 0);
  assert.deepEqual(provider.deliveries, ['ok']);
  assert.equal(await statusAt(ann.jar, `${bench.url}/audit`), 401);
  assert.equal(await statusAt(bea.jar, `${bench.url}/audit`), 200);
});

test('another role in the configuration ends the sessions of the one before', async (t) => {
  const signIns = await withSignIn(t);
  const { bench } = signIns;
  const { jar } = await signIn(signIns, 'auditor-ann');
  assert.equal(await statusAt(jar, `${bench.url}/audit`), 200);
  await editConfig(bench, (text) => text.replace('role: auditor', 'role: chief'));
  assert.equal((await postReload(bench)).status, 200);
  assert.equal(await statusAt(jar, `${bench.url}/audit`), 401);
});

test('each read is recorded with who read', async (t) => {
  const signIns = await withSignIn(t);
  const { bench } = signIns;
  const id = await bench.send('alice', '/x/1');
  const { jar } = await signIn(signIns, 'auditor-ann');
  const reads = {
    audit: '/audit',
    'audit stream': '/audit/stream',
    summary: '/console/api/summary?minutes=60',
    request: `/console/api/requests/${encodeURIComponent(id)}`,
  };
  for (const path of Object.values(reads))
    assert.equal(await statusAt(jar, `${bench.url}${path}`), 200, path);
  const order = { ...SIGN_OUT, body: '{}' };
  assert.equal((await jar.visit(`${bench.url}/console/api/verification`, order)).status, 202);
  const recorded = (await allRecords(bench.auditDir)).filter(({ kind }) => kind === 'admin-read');
  for (const what of [...Object.keys(reads), 'verify']) {
    const of = recorded.find(({ detail }) => detail?.includes(`"read":"${what}"`));
    assert.deepEqual([of?.user, of?.issuer], ['auditor-ann', signIns.provider.issuer], what);
  }
});

test('no answer is kept by a cache, framed, or put into another page', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const { jar } = await signIn(signIns, 'auditor-ann');
  const paths = [
    '/',
    '/audit',
    '/audit?nonsense=1',
    '/console/api/session',
    '/console/api/status',
    '/console/sign-in',
    '/console/callback?code=x&state=x',
    '/console/signed-out',
    '/console/assets/none.js',
    '/healthz',
    '/metrics',
    '/nowhere',
  ];
  for (const who of [jar, createJar()])
    for (const path of paths) {
      const { headers } = await who.visit(`${url}${path}`);
      assert.equal(headers.get('cache-control'), 'no-store', path);
      assert.equal(headers.get('x-frame-options'), 'DENY', path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
      assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
      assert.equal(headers.get('access-control-allow-origin'), null, path);
      const policy = String(headers.get('content-security-policy'));
      assert.match(policy, /^default-src 'none';.*frame-ancestors 'none'/, path);
      assert.doesNotMatch(policy, /unsafe/, path);
    }
});
