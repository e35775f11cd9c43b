import { z } from 'zod';
import { apiKeyTexts } from './api-key-texts.ts';
import { keyTexts } from './key-texts.ts';
import { relaySchema } from './schema.ts';

/** A node of a JSON Schema, as far as it is looked at. */
interface SchemaNode {
  description?: string;
  examples?: unknown[];
  pattern?: string;
  type?: string;
  default?: unknown;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  prefixItems?: SchemaNode[];
  minItems?: number;
  additionalProperties?: SchemaNode | boolean;
  anyOf?: SchemaNode[];
}

const texts = { ...keyTexts, ...apiKeyTexts };
const DURATION = /A duration such as/;
const SIZE = /A size such as/;
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [DURATION, '^[0-9]+(ms|s|m|h|d)$'],
  [SIZE, '^[0-9]+(B|KB|MB|GB)$'],
];

function annotate(node: SchemaNode, path: string): void {
  const [description, ...examples] = texts[path] ?? [];
  if (description === undefined) return;
  node.description = description;
  node.examples = [...examples];
  const [, pattern] = PATTERNS.find(([says]) => says.test(description)) ?? [];
  if (pattern !== undefined && node.type === 'string') node.pattern = pattern;
}

function visit(node: SchemaNode, path: string): void {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  allowOneOfList(node);
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    annotate(child, below(name));
    visit(child, below(name));
  }
  const { items, additionalProperties: members } = node;
  if (items) visit(items, below('*'));
  if (typeof members === 'object') {
    annotate(members, below('*'));
    visit(members, below('*'));
  }
  for (const alternative of node.anyOf ?? []) visit(alternative, path);
}

/** A list that may be written as its one element: the library shows it as a tuple. */
function allowOneOfList(node: SchemaNode): void {
  const [element, ...others] = node.prefixItems ?? [];
  if (element === undefined || others.length > 0) return;
  delete node.prefixItems;
  delete node.items;
  delete node.type;
  delete node.minItems;
  node.anyOf = [element, { type: 'array', items: element, minItems: 1 }];
}

/**
 * Writes the shape of relay.yaml as JSON Schema, with what each key means, for editors.
 *
 * @returns a schema of draft 2020-12
 */
export function relayJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(relaySchema, {
    io: 'input',
    unrepresentable: 'any',
  });
  const root = schema as SchemaNode;
  visit(root, '');
  return {
    $schema,
    $id: 'https://latchkey.example/relay.schema.json',
    title: 'relay.yaml',
    description: 'The configuration of a Latchkey relay.',
    ...root,
  };
}
