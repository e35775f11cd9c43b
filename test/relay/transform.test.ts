import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ApiConfig } from '../../relay/config/api-config.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { createRawUpstream, statusOf } from '../support/raw.ts';
import { bearer, send } from '../support/refused.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

interface Changes {
  readonly request?: Partial<ApiConfig['request']>;
  readonly response?: Partial<ApiConfig['response']>;
}

/** A relay whose API `x` has these settings. */
async function start(
  t: TestContext,
  changes: Changes,
  answer?: (socket: Socket) => void,
): Promise<RelayBench> {
  return await createRelayBench(t, {
    ...(answer === undefined ? {} : { upstream: await createRawUpstream(answer) }),
    rules: `      - { name: secret, deny: { paths: ['/secret/**'] } }
      - { name: any, allow: { scopes: [read] } }`,
    config: (config) => ({
      ...config,
      apis: config.apis.map((api) => ({
        ...api,
        request: { ...api.request, ...changes.request },
        response: { ...api.response, ...changes.response },
      })),
    }),
  });
}

const lines = (bench: RelayBench): string[] =>
  [
    ...bench.upstream
      .received()
      .join('')
      .matchAll(/^GET (\S+) HTTP/gm),
  ].map(([, target]) => target ?? '');

test('policy and audit see the path that was asked for, the API the rewritten one', async (t) => {
  const bench = await start(t, {
    request: {
      rewritePaths: [
        { from: '/open/**', to: '/secret/**' },
        { from: '/secret/**', to: '/open/**' },
      ],
      setQuery: { tenant: '{claims.tenant}' },
      removeQuery: ['debug'],
    },
  });
  const token = bearer(await bench.token({ tenant: 'a&b' }));
  assert.equal(statusOf(await send(bench, token, '/x/open/1?debug=1&q=%2f;debug')), 200);
  assert.equal(statusOf(await send(bench, token, '/x/secret/1')), 403);
  assert.equal(statusOf(await send(bench, token, '/x/plain?%74enant=evil')), 200);
  assert.deepEqual(lines(bench), ['/secret/1?q=%2f&tenant=a%26b', '/plain?tenant=a%26b']);
  const paths = (await allRecords(bench.auditDir))
    .filter(({ kind, api }) => kind === 'request' && api === 'x')
    .map(({ path, decision }) => `${decision} ${path}`);
  assert.deepEqual(paths, ['allow /x/open/1', 'deny /x/secret/1', 'allow /x/plain']);
});

function answering(fields: () => string): (socket: Socket) => void {
  return (socket) => {
    socket.write(`HTTP/1.1 201 Created\r\nContent-Length: 2\r\n${fields()}\r\nok`);
  };
}

test('names of the inside become public in Location, Content-Location and Set-Cookie', async (t) => {
  let own = '';
  const fields = (): string =>
    `LOCATION: ${own}/things/1?a#b\r\ncontent-location: /things/1\r\nSet-Cookie: a=1; Path=/; Domain=127.0.0.1\r\nSet-Cookie: b=2; Path=/things; HttpOnly\r\nX-Location: ${own}/things\r\n`;
  const bench = await start(t, {}, answering(fields));
  own = bench.upstream.url;
  const answer = await send(bench, bearer(await bench.token()), '/x/things');
  assert.match(answer, new RegExp(`\r\nLOCATION: ${bench.relay.url}/x/things/1\\?a#b\r\n`));
  assert.match(answer, /\r\ncontent-location: \/x\/things\/1\r\n/);
  assert.match(answer, /\r\nSet-Cookie: a=1; Path=\/x\r\n/);
  assert.match(answer, /\r\nSet-Cookie: b=2; Path=\/x\/things; HttpOnly\r\n/);
  assert.ok(answer.includes(`X-Location: ${own}/things`), 'nothing else is touched');
});

test('where it is not wanted, names stay as they are', async (t) => {
  const fields = (): string => 'Location: /things/1\r\nSet-Cookie: a=1; Path=/; Domain=b.c\r\n';
  const bench = await start(
    t,
    { response: { rewriteLocation: false, rewriteCookies: false } },
    answering(fields),
  );
  const answer = await send(bench, bearer(await bench.token()), '/x/things');
  assert.match(answer, /\r\nLocation: \/things\/1\r\n/);
  assert.match(answer, /\r\nSet-Cookie: a=1; Path=\/; Domain=b\.c\r\n/);
});

test('response rules: removed in every spelling, set in place of the API’s own', async (t) => {
  const fields = (): string =>
    'Server: s\r\nX_Powered_By: p\r\nX-Frame-Options: ALLOW\r\nLocation: /a\r\n';
  const bench = await start(
    t,
    {
      response: {
        removeHeaders: ['Server', 'X-Powered-By'],
        setHeaders: { 'X-Frame-Options': 'DENY', Location: '/fixed' },
      },
    },
    answering(fields),
  );
  const answer = await send(bench, bearer(await bench.token()), '/x/things');
  assert.doesNotMatch(answer, /^(?:server|x_powered_by):/im);
  assert.deepEqual(answer.match(/^x-frame-options: .*$/gim), ['X-Frame-Options: DENY']);
  assert.deepEqual(answer.match(/^location: .*$/gim), ['Location: /fixed']);
});

test('an upstream’s own path goes before the paths that policy has judged', async (t) => {
  const upstream = await createRawUpstream();
  const bench = await createRelayBench(t, { upstream, upstreams: [`${upstream.url}/soap/v2`] });
  const token = bearer(await bench.token());
  assert.equal(statusOf(await send(bench, token, '/x/invoices?page=2')), 200);
  assert.equal(statusOf(await send(bench, token, '/x')), 200);
  assert.equal(statusOf(await send(bench, token, '/x/../etc')), 400);
  assert.deepEqual(lines(bench), ['/soap/v2/invoices?page=2', '/soap/v2/']);
});
