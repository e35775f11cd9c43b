import type { AuditFields } from '../../../audit/record.ts';
import type { ToolKey, ToolKeys } from './proxy/tool-key.ts';

/**
 * Writes into the audit what happens to keys: they decide what tools may do.
 *
 * @param keys the keys of tools
 * @param record commits a `config` record; nothing waits for it
 * @returns the same keys, recorded
 */
export function recordedKeys(keys: ToolKeys, record: (fields: AuditFields) => void): ToolKeys {
  const note = (what: string, key: ToolKey): void =>
    record({ tool: { key: key.name }, detail: `${what} ${key.id}: ${scopeOf(key)}` });
  return {
    ...keys,
    add(options) {
      const made = keys.add(options);
      note('key made', made.key);
      return made;
    },
    revoke(idOrName) {
      const key = keys.revoke(idOrName);
      note('key revoked', key);
      return key;
    },
    lend(options) {
      const lent = keys.lend(options);
      note('key lent', lent.key);
      return lent;
    },
  };
}

function scopeOf({ apis, methods, readOnly, expiresAt }: ToolKey): string {
  const parts = [
    apis === undefined ? 'every API' : apis.join(', '),
    ...(methods === undefined ? [] : [methods.join(', ')]),
    ...(readOnly ? ['read only'] : []),
    ...(expiresAt === undefined ? [] : [`until ${expiresAt}`]),
  ];
  return parts.join('; ');
}
