import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { UpstreamCredentials } from '../../relay/config/api-config.ts';
import { createRelayBench } from '../support/relay.ts';
import {
  issuing,
  sendJson,
  startTokenEndpoint,
  withCredentials,
} from '../support/token-endpoint.ts';

const SECRET = 'the-relays-own-secret';

const shown = (
  kind: 'clientCredentials' | 'tokenExchange',
  url: string,
  timeoutMs = 300,
): UpstreamCredentials => ({
  kind,
  endpoint: {
    url,
    clientId: 'relay',
    authentication: { kind: 'client_secret_basic', secret: SECRET },
    scopes: [],
    timeoutMs,
  },
});

const json = { 'Content-Type': 'application/json' };
const good = { token_type: 'Bearer', expires_in: 60 };
const hostile: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['a token with a line break', issuing({ access_token: 'a\r\nX-Admin: 1' })],
  ['a token with a space', issuing({ access_token: 'a b' })],
  ['an empty token', issuing({ access_token: '' })],
  ['a token of 20 KB', issuing({ access_token: 'a'.repeat(20_000) })],
  ['a token that is no string', issuing({ access_token: ['a'] })],
  ['a token bound to a key', issuing({ token_type: 'DPoP' })],
  ['no token_type', issuing({ token_type: undefined })],
  ['a life that is over', issuing({ expires_in: 0 })],
  ['a life that is no number', issuing({ expires_in: 'long' })],
  ['a list', (response) => sendJson(response, 200, [good])],
  ['null', (response) => sendJson(response, 200, null)],
  ['HTML', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>')],
  ['broken JSON', (response) => response.writeHead(200, json).end('{"access_token":"a"')],
  ['an answer of 100 KB', issuing({ padding: 'x'.repeat(100_000) })],
  ['an answer without an end', (response) => void response.writeHead(200, json).write('{')],
  ['an error with what it was sent', (response) => sendJson(response, 400, { error: SECRET })],
  ['a cut connection', (response) => response.destroy()],
];

for (const [name, answer] of hostile)
  for (const kind of ['clientCredentials', 'tokenExchange'] as const)
    void test(`a token endpoint that answers with ${name}: 503 (${kind})`, async (t) => {
      const endpoint = await startTokenEndpoint(t);
      endpoint.answer(answer);
      const bench = await createRelayBench(t, {
        config: withCredentials(shown(kind, endpoint.url)),
      });
      const token = await bench.token();
      const refused = await fetch(`${bench.relay.url}/x/a`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(60_000),
      });
      const body = await refused.text();
      assert.equal(refused.status, 503, body);
      assert.match(body, /"code":"no_upstream"/);
      assert.equal(bench.upstream.requests(), 0);
      const told = bench.log.join('');
      assert.match(told, /"event":"token_endpoint_problem"/);
      for (const secret of [SECRET, token, btoa(`relay:${SECRET}`)])
        assert.ok(!told.includes(secret) && !body.includes(secret));
    });

void test('a token endpoint that redirects gets neither secret nor token sent elsewhere', async (t) => {
  let stolen = 0;
  const thief = createServer((_request, response) => {
    stolen += 1;
    response.end();
  });
  await new Promise<void>((resolve) => {
    thief.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => new Promise((resolve) => void thief.close(resolve)));
  const location = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
  const endpoint = await startTokenEndpoint(t);
  for (const status of [301, 302, 303, 307, 308]) {
    endpoint.answer((response) => response.writeHead(status, { Location: location }).end());
    const bench = await createRelayBench(t, {
      config: withCredentials(shown('tokenExchange', endpoint.url)),
    });
    const refused = await fetch(`${bench.relay.url}/x/a`, {
      headers: { authorization: `Bearer ${await bench.token()}` },
    });
    assert.equal(refused.status, 503);
  }
  assert.equal(stolen, 0);
});

void test('a slow token endpoint holds up its own APIs alone, and no more than 64 exchanges', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  const open = endpoint.hold();
  t.after(open);
  // No exchange ends by itself while the callers come, however slow the machine is.
  const credentials = shown('tokenExchange', endpoint.url, 60_000);
  const bench = await createRelayBench(t, {
    config: (config) => {
      const [first] = withCredentials(credentials)(config).apis;
      const [plain] = config.apis;
      if (first === undefined || plain === undefined) throw new Error('no API');
      return { ...config, apis: [first, { ...plain, name: 'y', path: '/y' }] };
    },
  });
  const tokens = await Promise.all(Array.from({ length: 70 }, () => bench.token()));
  const get = async (path: string, token = tokens[0]) =>
    (await fetch(bench.relay.url + path, { headers: { authorization: `Bearer ${token}` } })).status;
  let refused = 0;
  const sixRefused = Promise.withResolvers<void>();
  const asking = tokens.map(async (token) => {
    const status = await get('/x/a', token);
    if (status === 503 && (refused += 1) === 6) sixRefused.resolve();
    return status;
  });
  await sixRefused.promise;
  assert.equal(await get('/y/a'), 200);
  assert.equal(bench.upstream.requests(), 1);
  open();
  const statuses = await Promise.all(asking);
  assert.equal(statuses.filter((status) => status === 200).length, 64);
  assert.equal(endpoint.asked.length, 64);
  assert.equal(refused, 6);
});

void test('a token endpoint that never answers: 503 in time, and the next caller asks again', async (t) => {
  const endpoint = await startTokenEndpoint(t);
  t.after(endpoint.hold());
  // Long enough that it is asked before, however slow the machine is.
  const bench = await createRelayBench(t, {
    config: withCredentials(shown('tokenExchange', endpoint.url, 3_000)),
  });
  for (const asked of [1, 2]) {
    const answer = await fetch(`${bench.relay.url}/x/a`, {
      headers: { authorization: `Bearer ${await bench.token()}` },
    });
    assert.equal(answer.status, 503);
    assert.equal(endpoint.asked.length, asked);
  }
  assert.equal(bench.upstream.requests(), 0);
});
