import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../support/raw.ts';
import { assertRefused, bearer, send } from '../support/refused.ts';
import { createRelayBench } from '../support/relay.ts';

test('case 32: what looks like another spelling of a path is judged and sent on as one and the same', async (t) => {
  const rules = `      - { name: closed, deny: { paths: [/secret, '/secret/**'] } }
      - { name: any, allow: { scopes: [read] } }`;
  const bench = await createRelayBench(t, { rules });
  const token = bearer(await bench.token());
  for (const target of ['/x/secret', '/x/secret/', '/x/secret?a', '/x/%73ecret/'])
    await assertRefused(bench, await send(bench, token, target), { status: 403, code: 'denied' });
  for (const target of [
    '/x/secret;a',
    '/x/secret%00',
    '/x/secret%252f',
    '/x//secret',
    '/x/secret#',
  ])
    assert.equal(statusOf(await send(bench, token, target)), 400, target);
  assert.equal(bench.upstream.requests(), 0);
  const others = ['/x/secret%3fa', '/x/secret%23', '/x/secret%25', '/x/secret.', '/x/SECRET'];
  for (const target of others)
    assert.equal(statusOf(await send(bench, token, target)), 200, target);
  assert.deepEqual(
    [
      ...bench.upstream
        .received()
        .join('')
        .matchAll(/^GET (\S+) HTTP/gm),
    ].map(([, path]) => path),
    ['/secret%3Fa', '/secret%23', '/secret%25', '/secret.', '/SECRET'],
  );
});
