import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { people } from '../demo/people.ts';
import manifest from '../package.json' with { type: 'json' };
import { loadConfig } from '../relay/config/load.ts';
import { createCertificate } from './support/certificate.ts';

const root = join(import.meta.dirname, '..');
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'DECISIONS.md',
  ...docs.map((name) => `docs/${name}`),
];
const work = mkdtempSync(join(tmpdir(), 'latchkey-docs-'));
after(() => rmSync(work, { recursive: true, force: true }));

const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const withoutBlocks = (text: string): string => text.replace(/^ *```[^]*?^ *```/gm, '');

/** What a page names in backticks that is a path in this repository: it begins with one of its folders. */
function namedPaths(text: string): string[] {
  const spans = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span as string);
  return spans.filter((span) =>
    /^(?:app|audit|bench|build|demo|docs|relay|test|wire|\.ci)\/[\w./-]*$/.test(span),
  );
}

/** The anchor that readers make of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

function brokenLinks(page: string): string[] {
  const targets = [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)];
  return targets
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', fragment] = target.split('#');
      const path = file === '' ? join(root, page) : join(root, dirname(page), file);
      if (!existsSync(path)) return true;
      if (fragment === undefined) return false;
      const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)];
      return !headings.some(([, heading]) => anchor(heading as string) === fragment);
    });
}

for (const page of pages) {
  test(`${page}: each path that it names exists`, () => {
    assert.deepEqual(
      namedPaths(read(page)).filter((path) => !existsSync(join(root, path))),
      [],
    );
  });

  test(`${page}: each relative link leads somewhere`, () => {
    assert.deepEqual(brokenLinks(page), []);
  });

  test(`${page}: each npm script that it names exists, and so does what it runs`, () => {
    const scripts: Readonly<Record<string, string>> = manifest.scripts;
    const named = [...read(page).matchAll(/\bnpm (?:run (?:-s )?([a-z][\w-]*)|(start|test)\b)/g)];
    for (const [, run, short] of named) {
      const script = scripts[run ?? short ?? ''];
      assert.ok(script !== undefined, `npm run ${run ?? short}`);
      const files = script.match(/\b[\w/.-]+\.(?:ts|mjs)\b/g) ?? [];
      for (const file of files) assert.ok(existsSync(join(root, file)), `${script}: ${file}`);
    }
  });

  test(`${page}: no path of one machine`, () => {
    assert.doesNotMatch(read(page), /(?:^|[\s`"'(])\/(?:home|root|Users|work|tmp)\//m);
  });
}

test('the check itself tells a path that is missing', () => {
  const named = namedPaths('`relay/relay.ts`, `relay/none.ts`, `a/b`\n```\n`wire/none.ts`\n```\n');
  assert.deepEqual(named, ['relay/relay.ts', 'relay/none.ts']);
  assert.equal(existsSync(join(root, 'relay/none.ts')), false);
});

test('README.md: the whole relay.yaml that it shows passes check-config', async (t) => {
  const [, yaml] = /```yaml\n([^]*?)```/.exec(read('README.md')) ?? [];
  assert.ok(yaml, 'README.md shows no YAML');
  const file = join(work, 'relay.yaml');
  writeFileSync(file, yaml);
  const { cert, key } = createCertificate(t, 'relay.example.com');
  writeFileSync(join(work, 'relay.crt'), cert);
  writeFileSync(join(work, 'relay.key'), key, { mode: 0o600 });
  const config = await loadConfig(file, { env: {} });
  assert.deepEqual(
    config.apis.map((api) => api.name),
    ['billing'],
  );
});

test('README.md and docs/demo.md: names and passwords are those of the demo', () => {
  for (const page of ['README.md', 'docs/demo.md']) {
    for (const [, password] of read(page).matchAll(/`(\w+-demo)`/g)) {
      assert.ok(
        people.some((person) => person.password === password),
        `${page}: ${password}`,
      );
    }
  }
});

test('docs/README.md lists each page of docs', () => {
  const index = read('docs/README.md');
  const missing = docs.filter((name) => name !== 'README.md' && !index.includes(`(${name})`));
  assert.deepEqual(missing, []);
});

test('CHANGELOG.md has this version', () => {
  assert.match(read('CHANGELOG.md'), new RegExp(`^## \\[${manifest.version}\\]`, 'm'));
});

test('DECISIONS.md is numbered without a gap, each entry at most ten lines', () => {
  const entries = read('DECISIONS.md').split(/^## /m).slice(1);
  assert.deepEqual(
    entries.map((entry) => Number.parseInt(entry, 10)),
    entries.map((_, index) => index + 1),
  );
  for (const entry of entries) assert.ok(entry.trim().split('\n').length <= 10, entry);
});

test('the table of DECISIONS.md leads to each entry', () => {
  const [top = '', ...entries] = read('DECISIONS.md').split(/^## /m);
  const listed = new Set(
    [...top.matchAll(/(\d+)(?: to (\d+))?(?=[, |])/g)].flatMap(([, from = '', to = from]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => Number(from) + at),
    ),
  );
  const missing = entries.map((_, index) => index + 1).filter((it) => !listed.has(it));
  assert.deepEqual(missing, []);
});

test('the window is shown, as a PNG', () => {
  const picture = join(root, 'docs', 'window.png');
  assert.equal(readFileSync(picture).subarray(1, 4).toString('latin1'), 'PNG');
  assert.match(read('README.md'), new RegExp(`\\(${relative(root, picture)}\\)`));
});
