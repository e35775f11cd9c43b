import type { NewToolKey } from '../main/agent/proxy/tool-key.ts';
import { clientOf, parsedWithWords, type CommandIo } from './command-line.ts';
import { madeKeyText, toolKeysText } from './keys-text.ts';
import { specs } from './specs.ts';
import { badUsage } from './usage.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const limits = ['api', 'method', 'read-only', 'expires'] as const;

/**
 * `latchkey keys`: makes, lists and revokes the named keys of tools.
 *
 * @param argv what follows `keys`
 * @param io where to write, the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`, `not_running`, or what the agent refused with
 */
export async function runKeys(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseKeys(argv);
  const [verb, name, ...more] = positionals;
  if (more.length > 0) throw badUsage('a name of several words needs quotes');
  if (verb !== 'add' && limits.some((option) => values[option] !== undefined)) {
    throw badUsage('--api, --method, --read-only and --expires belong to `keys add`');
  }
  const client = clientOf(values['data-dir'], io);
  const tell = (value: unknown, words: string): number => {
    io.out(values.json === true ? `${JSON.stringify(value)}\n` : words);
    return 0;
  };
  if (verb === 'add') {
    if (name === undefined) throw badUsage('keys add needs a name');
    const made = await client.addKey(newKey(name, values));
    return tell(made, madeKeyText(made));
  }
  if (verb === 'list') {
    if (name !== undefined) throw badUsage('keys list takes no name');
    const keys = await client.keys();
    return tell(keys, toolKeysText(keys, Date.now()));
  }
  if (verb === 'revoke') {
    if (name === undefined) throw badUsage('keys revoke needs a name or an id');
    const key = await client.revokeKey(name);
    return tell(key, `The key “${key.name}” opens nothing any more.\n`);
  }
  throw badUsage('keys add, keys list or keys revoke?');
}

function parseKeys(argv: readonly string[]) {
  return parsedWithWords(argv, specs.keys.options);
}

function newKey(name: string, values: ReturnType<typeof parseKeys>['values']): NewToolKey {
  const { api, method, expires, 'read-only': readOnly } = values;
  return {
    name,
    ...(api === undefined ? {} : { apis: api }),
    ...(method === undefined ? {} : { methods: method.map((one) => one.toUpperCase()) }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(expires === undefined ? {} : { expiresInMs: lifeMs(expires) }),
  };
}

function lifeMs(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,6})([mhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw badUsage('--expires is a whole number with m, h or d, such as 30d');
  }
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
