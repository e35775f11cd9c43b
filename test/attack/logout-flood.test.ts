import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, sendRaw, statusOf, trickle } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

const PATH = '/.latchkey/backchannel-logout';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

test('only POST is answered, whatever credentials come with it', async (t) => {
  const { relay, token } = await createRelayBench(t);
  const authorization = `Bearer ${await token()}`;
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await fetch(relay.url + PATH, { method, headers: { authorization } });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get('allow'), 'POST');
    await answer.arrayBuffer();
  }
});

test('a huge body is refused before it has arrived, and the connection ends', async (t) => {
  const { relay } = await createRelayBench(t);
  const { host } = new URL(relay.url);
  const head = `POST ${PATH} HTTP/1.1\r\nHost: ${host}\r\n${FORM}`;
  const declared = await sendRaw(relay.url, [
    `${head}Content-Length: 100000000\r\n\r\nlogout_token=`,
    'a'.repeat(20_000),
  ]);
  assert.equal(statusOf(declared), 413);
  assert.equal(codeOf(declared), 'too_large');
  assert.match(declared, /\r\nConnection: close\r\n/i);
  const chunked = await sendRaw(relay.url, [
    `${head}Transfer-Encoding: chunked\r\n\r\n`,
    `4e20\r\n${'a'.repeat(20_000)}\r\n`,
  ]);
  assert.equal(statusOf(chunked), 413);
});

test('a body that never ends is given up, and the connection ends', async (t) => {
  const { relay } = await createRelayBench(t);
  const { host } = new URL(relay.url);
  const answer = await trickle(
    relay.url,
    `POST ${PATH} HTTP/1.1\r\nHost: ${host}\r\n${FORM}Content-Length: 1000\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 408, answer);
  assert.equal(codeOf(answer), 'too_slow');
});

test('a logout that waits for leave to send its body gets it', async (t) => {
  const { relay } = await createRelayBench(t);
  const { host } = new URL(relay.url);
  const answer = await sendRaw(
    relay.url,
    `POST ${PATH} HTTP/1.1\r\nHost: ${host}\r\n${FORM}Expect: 100-continue\r\nContent-Length: 14\r\n\r\nlogout_token=x`,
  );
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
});
