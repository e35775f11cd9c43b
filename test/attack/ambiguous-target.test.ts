import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

const AMBIGUOUS = [
  '/x/pub/../adm',
  '/x/..',
  '/x/.',
  '/x/./a',
  '/x/%2e%2e/adm',
  '/x/%2E%2e',
  '/x/.%2e/adm',
  '/x/%2e%2e%2fadm',
  '/x/..%5cadm',
  '/x/..\\adm',
  '/x/%252e%252e/adm',
  '/x/a%2Fb',
  '/x/a%5Cb',
  '//x/adm',
  '/x//adm',
  '/x/adm;x=1',
  '/x/;/adm',
  '/x/adm%3Bx',
  '/x/%3b/adm',
  '/x/a%00',
  '/x/a%0d%0ab',
  '/x/a%7f',
  '/x/a%',
  '/x/a%2',
  '/x/a%zz',
  '/x/a#b',
  '*',
];

test('ambiguous targets are refused, whatever the rules say', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  for (const target of AMBIGUOUS) {
    const answer = await sendRaw(
      bench.relay.url,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 400, target);
    assert.equal(codeOf(answer) ?? 'ambiguous_target', 'ambiguous_target', target);
  }
  assert.equal(bench.upstream.received().length, 0);
});

test('non-ASCII bytes in the target are refused', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/caf\xe9 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 400);
  assert.equal(bench.upstream.received().length, 0);
});

test('policy judges and the upstream gets the same canonical path', async (t) => {
  const rules = `      - { name: secret, deny: { paths: [/secret, '/secret/**'] } }
      - { name: any, allow: { scopes: [read] } }`;
  const bench = await createRelayBench(t, { rules });
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  const get = (target: string): Promise<string> =>
    sendRaw(
      bench.relay.url,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
  assert.equal(codeOf(await get('/x/%73ecret')), 'denied', 'an escape does not evade a rule');
  assert.equal(codeOf(await get('/x/secre%74/1')), 'denied');
  assert.equal(statusOf(await get('/x/%41%2dz%c3%a9?q=%2e%2e/&a=;#'.replace('#', ''))), 200);
  assert.match(bench.upstream.received().join(''), /^GET \/A-z%C3%A9\?q=%2e%2e\/&a=; HTTP/);
});

test('a query never satisfies a path rule (CVE-2025-54576)', async (t) => {
  const rules = `      - { name: pub, allow: { paths: ['/pub/**'] } }`;
  const bench = await createRelayBench(t, { rules });
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/adm?/pub/a HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n\r\n`,
  );
  assert.equal(codeOf(answer), 'no_rule');
});

test('an absolute-form target must name an allowed host, and then decides', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  const get = (target: string, hostField: string): Promise<string> =>
    sendRaw(
      bench.relay.url,
      `GET ${target} HTTP/1.1\r\n${hostField}Authorization: Bearer ${token}\r\n\r\n`,
    );
  assert.equal(statusOf(await get(`http://${host}/x/1`, `Host: ${host}\r\n`)), 200);
  assert.equal(statusOf(await get(`http://${host}/x/1`, 'Host: ignored.example\r\n')), 200);
  assert.equal(codeOf(await get('http://evil.example/x/1', `Host: ${host}\r\n`)), 'wrong_host');
  assert.equal(statusOf(await get(`http://user@${host}/x/1`, `Host: ${host}\r\n`)), 400);
  assert.equal(codeOf(await get('/x/1', 'Host: evil.example\r\n')), 'wrong_host');
  assert.equal(codeOf(await get('/x/1', 'Host: 127.0.0.1.evil.example\r\n')), 'wrong_host');
  assert.equal(statusOf(await get('/x/1', `Host: ${host}\r\nHost: ${host}\r\n`)), 400);
  assert.equal(statusOf(await get('/x/1', '')), 400);
  assert.equal(statusOf(await get('/x/1', `Host: user@${host}\r\n`)), 400);
});
