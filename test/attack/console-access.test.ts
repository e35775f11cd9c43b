import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createConsoleBench } from '../support/console-bench.ts';
import { openConsoleOver } from '../support/console-over.ts';
import { createJar, walkToCallback } from '../support/console-provider.ts';
import { SIGN_OUT, signIn, withSignIn } from '../support/console-sign-in.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { allRecords } from '../audit/ledger-dir.ts';

const GUARDED = [
  '/',
  '/console/search',
  '/console/assets/index.js',
  '/console/api/session',
  '/console/api/status',
  '/console/api/summary?minutes=60',
  '/console/api/requests/x',
  '/audit',
  '/audit?user=alice',
  '/audit/stream',
];
const LEAKS = /"records"|"seq"|"checks"|<div id="root">|alice/;

test('without a session there is nothing to see, whatever the cookie says', async (t) => {
  const { bench } = await withSignIn(t);
  const forged = randomBytes(32).toString('base64url');
  const cookies = ['', `__Host-latchkey-console=${forged}`, '__Host-latchkey-console=', 'x=y'];
  for (const path of GUARDED)
    for (const cookie of cookies) {
      const answer = await fetch(`${bench.url}${path}`, {
        redirect: 'manual',
        headers: { cookie },
      });
      const text = await answer.text();
      assert.ok([302, 401].includes(answer.status), `${path} ${answer.status}`);
      assert.doesNotMatch(text, LEAKS, path);
      if (answer.status === 302)
        assert.match(String(answer.headers.get('location')), /^\/console\/sign-in\?to=/);
    }
  // What operators' tools ask for stays as it was.
  for (const path of ['/healthz', '/readyz', '/metrics'])
    assert.equal((await fetch(`${bench.url}${path}`)).status, 200);
});

test('whoever lacks the role gets no session, and the attempt is recorded', async (t) => {
  const signIns = await withSignIn(t);
  const { jar, answer } = await signIn(signIns, 'intern');
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /lack the role “auditor”/);
  const { url, auditDir } = signIns.bench;
  assert.equal(jar.cookies(url).get('__Host-latchkey-console'), undefined);
  assert.equal((await jar.visit(`${url}/audit`)).status, 401);
  const records = await allRecords(auditDir);
  const refused = records.find(({ kind, decision }) => kind === 'sign-in' && decision === 'deny');
  assert.equal(refused?.code, 'role');
});

test('a session lets its own browser look, and ends when it is told to', async (t) => {
  const signIns = await withSignIn(t, { rolesIn: 'userinfo' });
  const { jar, answer } = await signIn(signIns, 'auditor-ann');
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /http-equiv="refresh" content="0;url=\/console\/people"/);
  const cookie = answer.headers.getSetCookie().find((line) => line.includes('latchkey-console='));
  for (const part of [
    /^__Host-/,
    /; Path=\/(?:;|$)/,
    /; Secure/,
    /; HttpOnly/,
    /; SameSite=Strict/,
  ])
    assert.match(String(cookie), part);
  assert.doesNotMatch(String(cookie), /Domain/i);
  const { url, auditDir } = signIns.bench;
  const session = (await (await jar.visit(`${url}/console/api/session`)).json()) as {
    person: { user: string; name: string };
  };
  assert.deepEqual(session.person, { user: 'auditor-ann', name: 'Name of auditor-ann' });
  assert.equal((await jar.visit(`${url}/audit?user=alice`)).status, 200);

  const secret = String(jar.cookies(url).get('__Host-latchkey-console'));
  const foreign = await fetch(`${url}/console/sign-out`, {
    method: 'POST',
    headers: {
      ...SIGN_OUT.headers,
      cookie: `__Host-latchkey-console=${secret}`,
      origin: 'https://evil.example',
    },
  });
  assert.equal(foreign.status, 403);
  assert.equal((await jar.visit(`${url}/audit`)).status, 200, 'the session is still there');
  assert.equal((await jar.visit(`${url}/console/sign-out`, SIGN_OUT)).status, 200);
  const again = { headers: { cookie: `__Host-latchkey-console=${secret}` } };
  assert.equal((await fetch(`${url}/audit`, again)).status, 401, 'a kept cookie is worth nothing');

  const records = await allRecords(auditDir);
  const read = records.find(
    ({ kind, detail }) => kind === 'admin-read' && detail?.includes('user'),
  );
  assert.equal(read?.user, 'auditor-ann');
  assert.doesNotMatch(
    String(read?.detail),
    /alice/,
    'whom they looked for stands under a pseudonym',
  );
  assert.ok(records.some(({ kind, user }) => kind === 'sign-out' && user === 'auditor-ann'));
});

test('a callback serves once, and only the browser that began it', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const victim = createJar();
  const attacker = createJar();
  const callback = await walkToCallback(attacker, `${url}/console/sign-in`, 'auditor-eve');
  const planted = await victim.visit(callback);
  assert.equal(planted.status, 400, 'nobody is signed in as somebody else');
  assert.equal(victim.cookies(url).get('__Host-latchkey-console'), undefined);
  assert.equal((await attacker.visit(callback)).status, 200);
  assert.equal((await attacker.visit(callback)).status, 400, 'used');

  const other = createJar();
  const begun = await walkToCallback(other, `${url}/console/sign-in`, 'auditor-eve');
  for (const [name, value] of [
    ['state', 'another'],
    ['iss', 'https://evil.example'],
    ['code', 'x'],
  ]) {
    const changed = new URL(begun);
    changed.searchParams.set(String(name), String(value));
    const answer = await other.visit(changed.href);
    assert.ok([400, 502].includes(answer.status), String(name));
    assert.equal(other.cookies(url).get('__Host-latchkey-console'), undefined);
  }
});

test('the sign-in leads nowhere else', async (t) => {
  const { bench } = await withSignIn(t);
  const aims = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/console/../../x',
    'javascript:alert(1)',
  ];
  for (const to of aims) {
    const jar = createJar();
    const begin = `${bench.url}/console/sign-in?to=${encodeURIComponent(to)}`;
    const answer = await jar.visit(await walkToCallback(jar, begin, 'auditor-ann'));
    const target = /content="0;url=([^"]*)"/.exec(await answer.text())?.[1];
    assert.equal(target, '/', to);
  }
});

test('by its public name only what asks for a sign-in can be reached', async (t) => {
  const { bench } = await withSignIn(t, { more: '  publicUrl: https://console.example.com\n' });
  const ask = (line: string, host: string, more = ''): Promise<string> =>
    sendRaw(bench.url, `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);
  const name = 'console.example.com';
  for (const path of ['/config', '/metrics', '/revocations', '/reload'])
    assert.equal(statusOf(await ask(`GET ${path}`, name)), 403, path);
  assert.equal(statusOf(await ask('GET /healthz', name)), 200);
  assert.equal(statusOf(await ask('GET /audit', name)), 401);
  assert.equal(statusOf(await ask('GET /', name)), 302);
  assert.equal(statusOf(await ask('GET /', 'evil.example')), 403);
  const passedOn = 'X-Forwarded-For: 192.0.2.1\r\n';
  assert.equal(
    statusOf(await ask('GET /config', '127.0.0.1', passedOn)),
    403,
    'a proxy that sets Host',
  );
  assert.equal(statusOf(await ask('GET /audit', name, 'Origin: https://evil.example\r\n')), 403);
  assert.equal(statusOf(await ask('GET /audit', name, `Origin: https://${name}\r\n`)), 401);
});

test('pages of other origins and rebound names get nothing of an open console', async (t) => {
  const bench = await createConsoleBench(t);
  await bench.send('alice', '/x/invoices');
  const own = new URL(bench.url).host;
  for (const path of GUARDED) {
    const ask = (fields: string): Promise<string> =>
      sendRaw(bench.url, `GET ${path} HTTP/1.1\r\nConnection: close\r\n${fields}\r\n`);
    const rebound = await ask('Host: evil.example\r\n');
    assert.equal(statusOf(rebound), 403, path);
    const crossed = await ask(`Host: ${own}\r\nOrigin: https://evil.example\r\n`);
    assert.equal(statusOf(crossed), 403, path);
    for (const answer of [rebound, crossed]) assert.doesNotMatch(answer, LEAKS);
    const byProxy = await ask(`Host: ${own}\r\nX-Forwarded-For: 192.0.2.1\r\n`);
    assert.equal(statusOf(byProxy), 403, path);
    assert.doesNotMatch(byProxy, LEAKS);
  }
  const page = await sendRaw(
    bench.url,
    `GET / HTTP/1.1\r\nHost: ${own}\r\nConnection: close\r\n\r\n`,
    {
      timeoutMs: 60_000,
      quietMs: 60_000,
    },
  );
  assert.match(page, /frame-ancestors 'none'/);
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /unsafe-inline|unsafe-eval/);
  for (const field of [/X-Frame-Options: DENY/i, /nosniff/i, /Referrer-Policy: no-referrer/i])
    assert.match(page, field);
  assert.doesNotMatch(page, /\{nonce\}/);
});

test('beyond this machine there is no console without a sign-in', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-console-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  // What the file says; the test itself stays on this machine.
  const url = await openConsoleOver(t, join(dir, 'audit'), '0.0.0.0');
  for (const path of GUARDED) {
    const answer = await fetch(`${url}${path}`, { redirect: 'manual' });
    const text = await answer.text();
    assert.equal(answer.status, 403, path);
    assert.match(text, /management\.signIn/);
    assert.doesNotMatch(text, LEAKS);
  }
  const signIn = await fetch(`${url}/console/sign-in`, { redirect: 'manual' });
  assert.equal(signIn.status, 404);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});
