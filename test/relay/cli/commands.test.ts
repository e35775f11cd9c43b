import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { checkConfig } from '../../../relay/cli/check-config.ts';
import { explain } from '../../../relay/cli/explain.ts';
import { printSchema } from '../../../relay/cli/schema.ts';
import { createTestIssuer, makeSigningKey } from '../../support/issuer.ts';
import { GOOD, directory, put } from '../../support/relay-yaml.ts';

function recorder() {
  const out = { stdout: '', stderr: '' };
  return {
    out,
    io: {
      stdout: { write: (text: string) => (out.stdout += text) },
      stderr: { write: (text: string) => (out.stderr += text) },
      env: {},
    },
  };
}

test('check-config says ok and prints nothing secret', async (t) => {
  const dir = await directory(t);
  await put(dir, 'p.txt', 'open-sesame');
  const request =
    '    request: { setHeaders: { X-Api-Key: k3y, X-Tenant: acme }, credentials: { bearerFile: p.txt } }\n';
  const file = await put(dir, 'relay.yaml', `${GOOD}${request}`);
  const first = recorder();
  assert.equal(await checkConfig(['--config', file], first.io), 0);
  assert.match(
    first.out.stdout,
    /^ok: .*relay\.yaml, 1 issuer\(s\), 1 API\(s\), sha256 [0-9a-f]{64}\n$/,
  );
  const second = recorder();
  assert.equal(await checkConfig(['--config', file, '--print'], second.io), 0);
  assert.doesNotMatch(second.out.stdout, /sesame|k3y/);
  const printed = parse(second.out.stdout) as { apis: { request: { setHeaders: object } }[] };
  assert.deepEqual(printed.apis[0]?.request.setHeaders, {
    'X-Api-Key': '********',
    'X-Tenant': 'acme',
  });
});

test('check-config lists each fault on stderr and ends with 2', async (t) => {
  const text = `${GOOD}listen: 0.0.0.0:1\nstate: redis\n`;
  const file = await put(await directory(t), 'relay.yaml', text);
  const { io, out } = recorder();
  assert.equal(await checkConfig(['--config', file], io), 2);
  const lines = out.stderr.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.ok(lines[0]?.startsWith(`${file}:10:9 listen: `), lines[0]);
  assert.equal(out.stdout, '');
});

test('bad usage ends with 2 and shows the usage', async () => {
  for (const argv of [[], ['--config'], ['--conf', 'x'], ['x']]) {
    const { io, out } = recorder();
    assert.equal(await checkConfig(argv, io), 2);
    assert.match(out.stderr, /usage: latchkey-relay check-config/);
  }
});

test('schema prints a JSON Schema that names the keys', () => {
  const { io, out } = recorder();
  assert.equal(printSchema([], io), 0);
  const schema = JSON.parse(out.stdout) as { properties: object; additionalProperties: boolean };
  assert.ok('issuers' in schema.properties && 'apis' in schema.properties);
  assert.equal(schema.additionalProperties, false);
});

async function explained(t: TestContext, claims: object, path: string, more: string[] = []) {
  const dir = await directory(t);
  const file = await put(dir, 'relay.yaml', GOOD);
  await put(dir, 'c.json', JSON.stringify(claims));
  const { io, out } = recorder();
  const method = more.includes('--method') ? [] : ['--method', 'GET'];
  const base = ['--config', file, '--claims', join(dir, 'c.json'), '--json', ...method];
  const exit = await explain([...base, '--path', path, ...more], io);
  return { exit, ...(JSON.parse(out.stdout) as Record<string, unknown>) };
}

test('explain tells the decision, the rule and each rule’s verdict', async (t) => {
  const person = { sub: 'alice', scope: 'billing.read' };
  assert.deepEqual(await explained(t, person, '/billing/invoices/7?x=1'), {
    exit: 0,
    decision: 'allow',
    code: null,
    api: 'billing',
    rule: 'read',
    rules: [
      {
        name: 'read',
        verdict: 'allow',
        why: 'It is about this method and path, and every condition of it holds.',
      },
    ],
  });
  assert.deepEqual(await explained(t, { sub: 'bob' }, '/billing/invoices'), {
    exit: 1,
    decision: 'deny',
    code: 'scope',
    api: 'billing',
    rule: 'read',
    rules: [
      {
        name: 'read',
        verdict: 'no',
        why: 'It wants the scope billing.read; the token has none.',
      },
    ],
  });
});

test('explain refuses what the relay would refuse before any rule', async (t) => {
  const person = { sub: 'alice', scope: 'billing.read' };
  const cases: readonly [object, string, string][] = [
    [person, '/billingx/invoices', 'unknown_api'],
    [person, '/billing/%2e%2e/x', 'ambiguous_target'],
    [{ ...person, iss: 'https://other.example' }, '/billing', 'token_issuer'],
    [{ ...person, aud: 'https://other.example' }, '/billing', 'token_audience'],
    [{ ...person, exp: 1 }, '/billing', 'token_expired'],
    [{ scope: 'billing.read' }, '/billing', 'token_claims'],
  ];
  for (const [claims, path, code] of cases) {
    const answer: Record<string, unknown> = await explained(t, claims, path);
    assert.deepEqual([answer['code'], answer['exit']], [code, 1]);
  }
});

test('explain refuses what the relay refuses whoever asks', async (t) => {
  const person = { sub: 'alice', scope: 'billing.read' };
  const headers = await put(await directory(t), 'h.json', '{"Host":"evil.example"}');
  const own = 'https://relay.example.com/billing/invoices';
  const cases: readonly [path: string, more: string[], code: string | null][] = [
    ['/billing/invoices', ['--method', 'TRACE'], 'method'],
    ['/billing/invoices', ['--method', 'CONNECT'], 'method'],
    ['https://evil.example/billing/invoices', [], 'wrong_host'],
    ['/billing/invoices', ['--headers', headers], 'wrong_host'],
    ['/billing/invoices?access_token=b', [], 'bad_credentials'],
    ['/billing/invoices?a=1;%61ccess_token=b', [], 'bad_credentials'],
    [own, [], null],
    [own.replace('.com/', '.com:443/'), [], null],
  ];
  for (const [path, more, code] of cases) {
    const answer: Record<string, unknown> = await explained(t, person, path, more);
    assert.deepEqual([answer['code'], answer['exit']], [code, code === null ? 0 : 1], path);
  }
});

test('explain without its options or with unusable claims is bad usage', async (t) => {
  const dir = await directory(t);
  const file = await put(dir, 'relay.yaml', GOOD);
  const claims = await put(dir, 'c.json', '[]');
  const rest = ['--method', 'GET', '--path', '/'];
  for (const argv of [
    ['--config', file, ...rest],
    ['--config', file, '--claims', claims, ...rest],
    ['--config', file, '--claims', claims, '--token-file', claims, ...rest],
  ]) {
    const { io, out } = recorder();
    assert.equal(await explain(argv, io), 2);
    assert.match(out.stderr, /usage: latchkey-relay explain/);
  }
});

test('explain verifies a token, or says loudly that it did not', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const dir = await directory(t);
  const text = GOOD.replace('https://idp.example.com', issuer.issuer);
  const file = await put(dir, 'relay.yaml', text);
  const good = await put(
    dir,
    'good.txt',
    await issuer.mint({ aud: 'https://relay.example.com', cnf: { jkt: 'A'.repeat(43) } }),
  );
  const stranger = await makeSigningKey('ES256', issuer.key().kid);
  const forged = await put(
    dir,
    'forged.txt',
    await issuer.mint({ aud: 'https://relay.example.com' }, { key: stranger }),
  );
  const run = async (token: string, ...more: string[]) => {
    const { io, out } = recorder();
    const rest = ['--method', 'GET', '--path', '/billing/invoices', ...more];
    const exit = await explain(['--config', file, '--token-file', token, ...rest], io);
    return { exit, ...out };
  };
  const allowed = await run(good);
  assert.equal(allowed.exit, 0, allowed.stderr);
  assert.match(allowed.stdout, /^ALLOWED, by the rule read\nRequest: GET \/billing\/invoices/);
  const refused = await run(forged);
  assert.equal(refused.exit, 1);
  assert.match(refused.stdout, /^REFUSED \(token_signature\)/);
  const decoded = await run(forged, '--offline');
  assert.equal(decoded.exit, 0);
  assert.match(decoded.stderr, /^NOT VERIFIED: /);
});

test('explain reads query and headers for conditions, and says what would help', async (t) => {
  const dir = await directory(t);
  const when = 'request.headers["x-purpose"] == "audit" && request.query.page == ["1"]';
  const text = GOOD.replace('scopes: [billing.read]', `roles: [clerk], when: '${when}'`);
  const file = await put(dir, 'relay.yaml', text);
  const claims = await put(dir, 'c.json', '{"sub":"alice","roles":["clerk"]}');
  const headers = await put(dir, 'h.json', '{"X-Purpose":"audit"}');
  const base = ['--config', file, '--claims', claims, '--method', 'GET'];
  const path = ['--path', '/billing/invoices?page=1'];
  const full = recorder();
  assert.equal(await explain([...base, ...path, '--headers', headers], full.io), 0);
  const bare = recorder();
  assert.equal(await explain([...base, ...path], bare.io), 1);
  assert.match(bare.out.stdout, /read: no\. Its condition does not hold: request\.headers/);
  assert.match(bare.out.stdout, /What would help: /);
});

test('check-config warns of what is probably not meant, and --strict refuses it', async (t) => {
  const open = GOOD.replace(', scopes: [billing.read]', '');
  const file = await put(await directory(t), 'relay.yaml', open);
  const lenient = recorder();
  assert.equal(await checkConfig(['--config', file], lenient.io), 0);
  assert.match(
    lenient.out.stderr,
    /relay\.yaml:8:9 apis\.billing\.rules\.0: warning: the rule read has no condition/,
  );
  assert.equal(await checkConfig(['--config', file, '--strict'], recorder().io), 2);
});
