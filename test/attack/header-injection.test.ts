import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

const API = `    request:
      setHeaders: { X-User-Email: '{claims.email}', X-Auth-User: '{claims.sub}', X-Team: '{claims.team}' }
      removeHeaders: [Cookie]
      credentials: { header: { name: X-Api-Key, valueFile: ./key } }
    response: { removeHeaders: [Server], setHeaders: { X-Frame-Options: DENY } }`;

test('identity headers from outside never arrive, in whatever spelling', async (t) => {
  const bench = await createRelayBench(t, { api: API.replace(/ {6}credentials.*\n/, '') });
  const spoofed = [
    'X-User-Email: evil@x',
    'x_user_email: evil@x',
    'X.User.Email: evil@x',
    'X-USER_EMAIL: evil@x',
    'X-Auth.User: evil',
    'X-Team: evil',
    'X_Team: evil',
    'X-Forwarded-For: 6.6.6.6',
    'X_Forwarded_For: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
    'X-Real-IP: 6.6.6.6',
    'X-Latchkey-User: evil',
    'X_Latchkey_Assertion: evil',
    'Proxy: http://evil.example:3128',
    'X-Original-URL: /evil',
    'X-Rewrite-URL: /evil',
    'X-HTTP-Method-Override: DELETE',
    'X_HTTP_Method_Override: DELETE',
    'X-Method-Override: DELETE',
    'DPoP: evil',
    'Cookie: evil=1',
    'Proxy-Authorization: evil',
    'X-Kept: yes',
  ].join('\r\n');
  const token = await bench.token({ email: 'ann@example.com', team: undefined });
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await sendRaw(
      bench.relay.url,
      `${method} /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${token}\r\n${spoofed}\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 200);
  }
  const received = bench.upstream.received().join('');
  assert.doesNotMatch(received, /evil|6\.6\.6\.6/i);
  assert.doesNotMatch(received, /authorization:/i, 'the token goes no further');
  assert.match(received, /\r\nX-User-Email: ann@example\.com\r\n/);
  assert.match(received, /\r\nX-Kept: yes\r\n/);
  assert.doesNotMatch(received, /x-team/i, 'an absent claim leaves the header out');
});

test('a Connection list cannot name our headers away (CVE-2024-45410)', async (t) => {
  const bench = await createRelayBench(t, { api: API.replace(/ {6}credentials.*\n/, '') });
  const token = await bench.token({ email: 'ann@example.com' });
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${token}\r\nConnection: close, X-User-Email, X-Forwarded-For, X-Secret, Host\r\nX-Secret: s\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 200);
  const received = bench.upstream.received().join('');
  assert.match(received, /\r\nX-User-Email: ann@example\.com\r\n/);
  assert.match(received, /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/);
  assert.match(received, /\r\nHost: 127\.0\.0\.1:[0-9]+\r\n/i);
  assert.doesNotMatch(received, /x-secret/i);
});

test('claims with CR, LF, NUL and other alphabets are encoded, never sent raw', async (t) => {
  const bench = await createRelayBench(t, { api: API.replace(/ {6}credentials.*\n/, '') });
  const token = await bench.token({ email: 'a\r\nX-Evil: 1\0é%b', team: ['α', 'b c'] });
  await sendRaw(
    bench.relay.url,
    `GET /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  const received = bench.upstream.received().join('');
  assert.match(received, /\r\nX-User-Email: a%0D%0AX-Evil:%201%00%C3%A9%25b\r\n/);
  assert.match(received, /\r\nX-Team: %CE%B1,b%20c\r\n/);
  assert.doesNotMatch(received, /\r\nX-Evil/);
});
