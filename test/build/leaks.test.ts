import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { ALLOWED } from '../../build/leaks/allowed.ts';
import { formatLeak, leaveFinding, readLeaks } from '../../build/leaks/findings.ts';
import { findSecrets } from '../../build/leaks/shapes.ts';

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'latchkey-leak-fixtures-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Put together here: as it stands, this file's own output must not hold one. */
const HEAD = 'eyJhbGciOiJub25lIn0';
const JWT_PARTS = `['${HEAD}', 'eyJzdWIiOiJhbGljZSJ9', 'c2ln'].join('.')`;

/** Runs the runner over a test file of these lines; resolves to its exit code and what it printed. */
async function runOver(lines: readonly string[]): Promise<{ code: number; out: string }> {
  const file = join(mkdtempSync(join(dir, 'run-')), 'fixture.test.ts');
  writeFileSync(file, lines.join('\n'));
  const { NODE_TEST_CONTEXT: _inner, LATCHKEY_LEAKS_FILE: _outer, ...env } = process.env;
  const child = spawn(process.execPath, ['build/test.ts', file], { cwd: root, env });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code: code ?? -1, out };
}

const IMPORTS = [
  "import { spawn, spawnSync } from 'node:child_process';",
  "import { once } from 'node:events';",
  "import { createServer } from 'node:http';",
  "import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';",
  "import { tmpdir } from 'node:os';",
  "import { join } from 'node:path';",
  "import { test } from 'node:test';",
  `const secret = ${JWT_PARTS};`,
];
const LINE = IMPORTS.length + 2;
const inTest = (...lines: string[]): string[] => [
  ...IMPORTS,
  "test('prints', async () => {",
  ...lines,
  '});',
  '',
];

const printing = "[`process.stdout.write(${JSON.stringify('a ' + secret + ' b')})`]";
for (const [what, source, ...lines] of [
  ['what the test itself prints', /stdout/, 'console.log(secret);'],
  ['what goes past the streams', /stderr/, "(await import('node:fs')).writeSync(2, secret);"],
  [
    'what a child prints into a pipe that is read',
    /stdout of/,
    `const child = spawn(process.execPath, ['-e', ...${printing}]);`,
    "child.stdout.on('data', () => {});",
    "await once(child, 'close');",
  ],
  [
    'what a child prints that is waited for',
    /stdout of/,
    `spawnSync(process.execPath, ['-e', ...${printing}]);`,
  ],
  [
    'what a log says in a directory that is removed',
    /agent\.log/,
    "const made = mkdtempSync(join(tmpdir(), 'latchkey-log-'));",
    "writeFileSync(join(made, 'agent.log'), secret);",
    'rmSync(made, { recursive: true });',
  ],
] as const)
  test(`${what} fails the run, with file and line`, async () => {
    const { code, out } = await runOver(inTest(...lines));
    assert.equal(code, 1, out);
    const leak = out.split('\n').find((line) => line.includes('leaked'));
    assert.match(
      leak ?? '',
      new RegExp(`fixture\\.test\\.ts:(${LINE}|${LINE + lines.length - 1}): JWT in `),
    );
    assert.match(leak ?? '', source);
    assert.doesNotMatch(leak ?? '', /c2ln/, 'the leak is not told whole');
    assert.match(out, /pass 1\b/, 'the test itself is fine');
  });

test('what an opaque token looks like is learnt from who issues it', async () => {
  const opaque = "'issued0by1a2provider3here'";
  const { code, out } = await runOver(
    inTest(
      `const server = createServer((_, response) => response.end(JSON.stringify({ refresh_token: ${opaque} })));`,
      "await once(server.listen(0, '127.0.0.1'), 'listening');",
      'await (await fetch(`http://127.0.0.1:${server.address().port}`)).text();',
      'server.close();',
      `console.log('the word', ${opaque});`,
    ),
  );
  assert.equal(code, 1, out);
  assert.match(out, /fixture\.test\.ts:\d+: issued secret in stdout/);
});

test('output without secrets passes, and nothing stays behind', async () => {
  const { code, out } = await runOver(
    inTest(
      "console.log('Bearer of good news', 'eyJust a word', 'code=42', new Error('token_expired').message);",
      "console.log('https://idp.example.com/authorize?client_id=latchkey-desktop&state=abcdefghijklmnopqrstuv');",
    ),
  );
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /leaked/);
});

test('each kind of token material is recognised, whole or within a line', () => {
  const random = 'k'.repeat(30) + 'A1';
  const cases: readonly (readonly [line: string, kind: string])[] = [
    [`x ${HEAD}.eyJzdWIiOiJhbGljZSJ9.`, 'JWT'],
    ['-----BEGIN EC PRIVATE KEY-----', 'private key'],
    [`{"kty":"EC","d":"${random}"}`, 'private key'],
    [`LATCHKEY_KEY=lk_${'a'.repeat(43)}`, 'tool key'],
    [`authorization: DPoP ${random}`, 'authorization field'],
    [`grant_type=refresh_token&refresh_token=${random}`, 'named secret'],
    [`{"client_secret": "${random}"}`, 'named secret'],
    [`GET /callback?code=${random}&state=x`, 'authorization code'],
    [`a word ${random}`, 'issued secret'],
  ];
  for (const [line, kind] of cases)
    assert.ok(
      findSecrets(line, new Set([random])).some((found) => found.kind === kind),
      kind,
    );
});

test('what is allowed names its file and kind, and allows nothing else', () => {
  const path = join(dir, 'found');
  const finding = {
    file: 'test/a.test.ts',
    line: 3,
    kind: 'JWT',
    source: 'stdout',
    hint: '',
  } as const;
  for (const one of [finding, finding, { ...finding, kind: 'tool key' } as const])
    leaveFinding(path, one);
  const allowed = [{ file: 'test/a.test.ts', kind: 'JWT', because: 'a test' }] as const;
  assert.deepEqual(
    readLeaks(path, allowed).map(({ kind }) => kind),
    ['tool key'],
  );
  assert.match(
    formatLeak(readLeaks(path, [])[0] ?? finding),
    /^test\/a\.test\.ts:3: JWT in stdout/,
  );
});

test('each exception is about a test that exists, and says why', () => {
  for (const { file, because } of ALLOWED) {
    assert.ok(existsSync(join(root, file)), file);
    assert.ok(because.length > 20, `${basename(file)}: ${because}`);
  }
});
