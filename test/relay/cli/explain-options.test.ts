import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain } from '../../../relay/cli/explain.ts';
import { GOOD, directory, put } from '../../support/relay-yaml.ts';

/** `explain` about a request that the policy allows, but for the options given. */
async function asked(t: TestContext, changes: Readonly<Record<string, string>>, claims = {}) {
  const dir = await directory(t);
  const options: Record<string, string> = {
    config: await put(dir, 'relay.yaml', GOOD),
    claims: await put(
      dir,
      'c.json',
      JSON.stringify({ sub: 'alice', scope: 'billing.read', ...claims }),
    ),
    method: 'GET',
    path: '/billing/invoices',
    from: '10.0.0.1',
    ...changes,
  };
  const out = { stdout: '', stderr: '' };
  const io = {
    stdout: { write: (text: string) => (out.stdout += text) },
    stderr: { write: (text: string) => (out.stderr += text) },
    env: {},
    now: () => 1_800_000_000_000,
  };
  const argv = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return { dir, code: await explain(argv, io), ...out };
}

test('explain answers about a request that a tool could send', async (t) => {
  for (const from of ['10.0.0.1', '::1', '::ffff:10.0.0.1']) {
    const { code, stdout } = await asked(t, { from });
    assert.equal(code, 0);
    assert.match(stdout, /^ALLOWED, by the rule read\n/);
  }
});

test('explain answers nothing about what is no request', async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ from: 'notip' }, /^--from notip is not an IP address\nusage: /],
    [{ from: '999.1.1.1' }, /^--from 999\.1\.1\.1 is not an IP address\n/],
    [{ from: '10.0.0.0/8' }, /^--from 10\.0\.0\.0\/8 is not an IP address\n/],
    [{ from: '' }, /^--from is empty\n/],
    [{ method: 'get' }, /^--method get: there is no such HTTP method; they are in capitals/],
    [{ method: 'FETCH' }, /^--method FETCH: there is no such HTTP method/],
    [{ method: '' }, /^--method is empty\n/],
    [{ path: 'billing/invoices' }, /^--path billing\/invoices must begin with \//],
    [{ path: '' }, /^--path is empty\n/],
    [{ claims: '' }, /^--claims is empty\n/],
  ];
  for (const [changes, said] of cases) {
    const { code, stdout, stderr } = await asked(t, changes);
    assert.deepEqual([code, stdout], [2, ''], JSON.stringify(changes));
    assert.match(stderr, said);
  }
});

test('explain says which file it can’t use, and quotes nothing of it', async (t) => {
  const dir = await directory(t);
  const missing = join(dir, 'none.json');
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ claims: missing }, /^--claims .*none\.json can't be read: ENOENT\nusage: /],
    [{ headers: missing }, /^--headers .*none\.json can't be read: ENOENT\n/],
    [
      { claims: await put(dir, 'l.json', '[]') },
      /^--claims .*l\.json can't be used: it is not a JSON object\n/,
    ],
    [{ claims: await put(dir, 't.txt', 'eyJ.s3cret') }, /^--claims .*t\.txt must hold a JSON/],
    [
      {
        claims: await put(dir, 'd.json', '{"sub":"alice","scope":"s3cret","scope":"billing.read"}'),
      },
      /^--claims .*d\.json can't be used: a member occurs twice\nusage: /,
    ],
    [
      { headers: await put(dir, 'h.json', '{"X-Purpose":["audit"]}') },
      /^--headers .*h\.json: the value of X-Purpose must be a text\n/,
    ],
  ];
  for (const [changes, said] of cases) {
    const { code, stdout, stderr } = await asked(t, changes);
    assert.deepEqual([code, stdout], [2, ''], JSON.stringify(changes));
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /s3cret/);
  }
});

test('explain wants a token in its file', async (t) => {
  const dir = await directory(t);
  const config = await put(dir, 'relay.yaml', GOOD);
  const rest = ['--config', config, '--method', 'GET', '--path', '/billing'];
  for (const [file, said] of [
    [join(dir, 'none.txt'), /^--token-file .*none\.txt can't be read: ENOENT\n/],
    [await put(dir, 'empty.txt', '\n'), /^--token-file .*empty\.txt is empty\n/],
  ] as const) {
    let stderr = '';
    const io = {
      stdout: { write: () => assert.fail('it answered') },
      stderr: { write: (text: string) => (stderr += text) },
      env: {},
    };
    assert.equal(await explain([...rest, '--token-file', file], io), 2);
    assert.match(stderr, said);
  }
});

test('explain refuses claims at a time at which the relay would', async (t) => {
  const nowS = 1_800_000_000;
  for (const [claims, code] of [
    [{ nbf: nowS + 3600 }, 'token_not_yet_valid'],
    [{ exp: nowS - 3600 }, 'token_expired'],
    [{ exp: 'tomorrow' }, 'token_claims'],
    [{ iat: nowS + 3600 }, 'token_claims'],
  ] as const) {
    const { code: exit, stdout } = await asked(t, {}, claims);
    assert.equal(exit, 1);
    assert.match(stdout, new RegExp(`^REFUSED \\(${code}\\)`), JSON.stringify(claims));
  }
});
