import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConsoleBench } from '../../support/console-bench.ts';

test('what the console’s page asks for takes no parameter that it would not heed', async (t) => {
  const { url } = await createConsoleBench(t);
  for (const [path, said] of [
    ['summary?minutes=60&api=billing', /^There is no filter `api`; there are minutes\.$/],
    ['summary?minutes=60&minutes=5', /^Give `minutes` once\.$/],
    ['summary?minutes=', /^`minutes` must be a text of 1 to 500 characters/],
    ['summary?minutes=0', /^`minutes` must be a whole number from 1 to 40320\.$/],
    ['session?x=1', /^There is no filter `x`; there are none\.$/],
    ['status?x=1', /^There is no filter `x`; there are none\.$/],
    ['apis?api=billing', /^There is no filter `api`; there are none\.$/],
    ['requests/r1?user=alice', /^There is no filter `user`; there are none\.$/],
  ] as const) {
    const answer = await fetch(`${url}/console/api/${path}`);
    assert.equal(answer.status, 400, path);
    assert.match(((await answer.json()) as { detail: string }).detail, said, path);
  }
  const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  const verification = await fetch(`${url}/console/api/verification?segment=1`, order);
  assert.equal(verification.status, 400);
  for (const path of ['summary', 'summary?minutes=5', 'session', 'status', 'apis', 'requests/r1'])
    assert.equal((await fetch(`${url}/console/api/${path}`)).status, 200, path);
});
