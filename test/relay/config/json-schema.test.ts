import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { relayJsonSchema } from '../../../relay/config/json-schema.ts';

interface Node {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
}

const root = join(import.meta.dirname, '..', '..', '..');
const schema = relayJsonSchema() as Node;

function* keys(node: Node, path = ''): Generator<readonly [string, Node]> {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    yield [below(name), child];
    yield* keys(child, below(name));
  }
  if (node.items) yield* keys(node.items, below('*'));
  if (typeof node.additionalProperties === 'object')
    yield* keys(node.additionalProperties, below('*'));
  for (const one of node.anyOf ?? []) yield* keys(one, path);
}

function isOfType(value: unknown, type: Node['type']): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return type.some((one) => isOfType(value, one));
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** As much of JSON Schema as the published one uses. */
function fits(value: unknown, node: Node): boolean {
  if (node.anyOf) return node.anyOf.some((one) => fits(value, one));
  if (!isOfType(value, node.type)) return false;
  if (node.enum && !node.enum.includes(value)) return false;
  if (node.const !== undefined && node.const !== value) return false;
  if (node.pattern !== undefined && !new RegExp(node.pattern).test(String(value))) return false;
  if (Array.isArray(value)) return value.every((one) => !node.items || fits(one, node.items));
  if (typeof value !== 'object' || value === null) return true;
  if (node.required?.some((name) => !Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, member]) => {
    const known = node.properties?.[name] ?? node.additionalProperties;
    return typeof known === 'object' ? fits(member, known) : known !== false;
  });
}

test('every key says what it means, of which type it is, and shows an example that fits', () => {
  const seen = [...keys(schema)];
  assert.ok(seen.length > 100, String(seen.length));
  for (const [path, node] of seen) {
    assert.ok((node.description ?? '').length > 5, `${path} has no description`);
    assert.ok(node.type ?? node.anyOf, `${path} has no type`);
    assert.ok((node.examples ?? []).length > 0, `${path} has no example`);
    for (const example of node.examples ?? [])
      assert.ok(fits(example, node), `${path}: ${JSON.stringify(example)} does not fit`);
    if (node.default !== undefined && typeof node.default !== 'object')
      assert.ok(fits(node.default, node), `${path}: the default ${JSON.stringify(node.default)}`);
    if (node.type === 'object' && node.properties)
      assert.equal(node.additionalProperties, false, `${path} takes unknown keys`);
  }
});

test('unknown keys, wrong types and wrong units do not fit', () => {
  const file = {
    publicUrl: 'https://relay.example.com',
    issuers: [{ issuer: 'https://idp.example.com', clockTolerance: '30s' }],
    apis: { a: { upstream: 'https://10.0.0.5', rules: [{ name: 'r', allow: { scopes: ['s'] } }] } },
  };
  assert.ok(fits(file, schema));
  assert.ok(!fits({ ...file, nope: 1 }, schema));
  assert.ok(!fits({ ...file, issuers: [] as unknown, limits: { url: 8 } }, schema));
  assert.ok(!fits({ ...file, issuers: [{ issuer: 'x', clockTolerance: '30 seconds' }] }, schema));
  assert.ok(!fits({ ...file, apis: { a: { upstream: 'x', retention: 1 } } }, schema));
});

test('the published schema is the current one', async () => {
  const published = await readFile(join(root, 'docs', 'relay.schema.json'), 'utf8');
  assert.deepEqual(
    JSON.parse(published),
    JSON.parse(JSON.stringify(schema)),
    'npm run relay -- schema > docs/relay.schema.json',
  );
});

test('docs/relay-yaml.md names every key', async () => {
  const text = await readFile(join(root, 'docs', 'relay-yaml.md'), 'utf8');
  for (const [path] of keys(schema)) {
    const name = path.split('.').at(-1) ?? '';
    if (name !== '*')
      assert.ok(new RegExp(`\\b${name}\\b`).test(text), `${path} is not in the page`);
  }
});
