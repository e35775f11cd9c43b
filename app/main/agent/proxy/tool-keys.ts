import { hash as digestOnce, randomBytes, timingSafeEqual } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { readToolKeys, writeToolKeys, type StoredToolKey } from './tool-key-file.ts';
import type { KeyedCall, KeyVerdict, NewToolKey, ToolKey, ToolKeys } from './tool-key.ts';
import { isExpired, newKeyFields, outsideScope, TOOL_KEY_ID } from './tool-key-scope.ts';

const MOST_KEYS = 200;
const MOST_LENT = 256;
const LAST_USE_WRITTEN_AFTER_MS = 60_000;
const HOW = 'Make one with `latchkey keys add NAME`, and send it as X-Latchkey-Key.';

interface Held {
  readonly digest: Buffer;
  readonly key: ToolKey;
  /** Since the file was read; written out as a time only when somebody looks. */
  lastUsedMs?: number;
  lastTool?: string;
}

/**
 * Opens the named keys of tools.
 *
 * @param deps `file` is absolute, in a directory of this user alone; `onError` hears of a file that
 *   cannot be read or written; `random` gives bytes
 * @returns the keys; with a file that cannot be read there are none, and none can be added
 */
export function createToolKeys(deps: {
  readonly file: string;
  readonly now: () => number;
  readonly random?: (bytes: number) => Buffer;
  readonly onError: (error: unknown) => void;
}): ToolKeys {
  const { file, now, onError } = deps;
  const random = deps.random ?? randomBytes;
  const held = new Map<string, Held>();
  let fault: AgentError | undefined;
  let lastUseTimer: NodeJS.Timeout | undefined;

  try {
    for (const { hash, ...key } of readToolKeys(file))
      held.set(key.id, { key, digest: Buffer.from(hash, 'hex') });
  } catch (error) {
    fault = unreadable(file, error);
    onError(error);
  }

  function save(): void {
    if (fault) throw fault;
    const stored = [...held.values()].filter(({ key }) => !key.lent).map(toStored);
    try {
      writeToolKeys(file, stored);
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      const detail = `The keys of your tools cannot be written to ${file} (${reason}). Check the disk, then try again.`;
      throw new AgentError('bad_settings', detail, { cause: error });
    }
    clearTimeout(lastUseTimer);
    lastUseTimer = undefined;
  }

  function make(options: NewToolKey, lent: boolean): { secret: string; made: Held } {
    const nowMs = now();
    const fields = newKeyFields(options, nowMs);
    const secret = `lk_${random(32).toString('base64url')}`;
    const id = `key_${random(6).toString('hex')}`;
    const createdAt = new Date(nowMs).toISOString();
    const key: ToolKey = { id, createdAt, ...fields, ...(lent ? { lent } : {}) };
    return { secret, made: { key, digest: digestOf(secret) } };
  }

  /** Every key is compared, so that the time tells neither whether nor where one fits. */
  function find(secret: string): Held | undefined {
    const digest = digestOf(secret);
    let found: Held | undefined;
    for (const one of held.values()) if (timingSafeEqual(one.digest, digest)) found = one;
    return found;
  }

  function used(one: Held, tool: string | undefined): void {
    one.lastUsedMs = now();
    if (tool !== undefined) one.lastTool = tool;
    if (one.key.lent) return;
    lastUseTimer ??= setTimeout(writeLastUse, LAST_USE_WRITTEN_AFTER_MS).unref();
  }

  function writeLastUse(): void {
    lastUseTimer = undefined;
    try {
      save();
    } catch (error) {
      onError(error);
    }
  }

  return {
    fault,
    add(options) {
      const { secret, made } = make(options, false);
      const others = [...held.values()].filter(({ key }) => !key.lent);
      const expired = others.find(({ key }) => key.name === made.key.name);
      if (expired && !isExpired(expired.key, now())) {
        const detail = `There is a key named “${made.key.name}”. Choose another name, or revoke it.`;
        throw new AgentError('key_exists', detail);
      }
      if (others.length >= MOST_KEYS) throw bad(`There are ${MOST_KEYS} keys. Revoke some first.`);
      if (expired) held.delete(expired.key.id);
      held.set(made.key.id, made);
      try {
        save();
      } catch (error) {
        // What is not written would be gone after a restart: it must not look as if it were there.
        held.delete(made.key.id);
        throw error;
      }
      return { key: made.key, secret };
    },
    list() {
      if (fault) throw fault;
      return [...held.values()].map(toShown);
    },
    revoke(idOrName) {
      const fits = ({ key }: Held): boolean =>
        TOOL_KEY_ID.test(idOrName) ? key.id === idOrName : !key.lent && key.name === idOrName;
      const one = [...held.values()].find(fits);
      if (!one) {
        if (fault) throw fault;
        throw new AgentError(
          'unknown_key',
          'There is no such key. `latchkey keys list` shows all.',
        );
      }
      // It ends at once, even when this cannot be written: then it is told, and done again.
      held.delete(one.key.id);
      if (!one.key.lent) save();
      return one.key;
    },
    lend(options) {
      const lent = [...held.values()].filter(({ key }) => key.lent).length;
      if (lent >= MOST_LENT) throw bad(`${MOST_LENT} runs have a key. End some of them first.`);
      const { secret, made } = make(options, true);
      held.set(made.key.id, made);
      return { key: made.key, secret, end: () => void held.delete(made.key.id) };
    },
    check(presented, call) {
      const [secret, ...more] = presented;
      if (secret === undefined) {
        return refused('missing', `Your settings ask for a key. ${fault?.message ?? HOW}`);
      }
      if (more.length > 0) {
        return refused('two', 'The request shows two different keys. Send one of them.');
      }
      const one = find(secret);
      if (!one) {
        return refused(
          'unknown',
          fault?.message ?? `There is no such key, or it has ended. ${HOW}`,
        );
      }
      const verdict = judge(one.key, call, now());
      if (verdict.kind === 'ok') used(one, call.tool);
      return verdict;
    },
    close() {
      const isUnwritten = lastUseTimer !== undefined;
      clearTimeout(lastUseTimer);
      if (isUnwritten) writeLastUse();
      held.clear();
      return Promise.resolve();
    },
  };
}

function judge(key: ToolKey, call: KeyedCall, nowMs: number): KeyVerdict {
  if (isExpired(key, nowMs)) {
    return { ...refused('expired', `The key “${key.name}” has expired. ${HOW}`), key };
  }
  const outside = outsideScope(key, call);
  return outside ? { ...refused(outside.why, outside.detail), key } : { kind: 'ok', key };
}

function refused(why: Extract<KeyVerdict, { kind: 'refused' }>['why'], detail: string) {
  return { kind: 'refused', why, detail } as const;
}

function unreadable(file: string, error: unknown): AgentError {
  return new AgentError(
    'bad_settings',
    `The keys of your tools cannot be read, so that none of them opens anything and nothing is changed. Correct or remove ${file}, then restart Latchkey.`,
    { cause: error },
  );
}

function digestOf(secret: string): Buffer {
  return digestOnce('sha256', secret, 'buffer');
}

function toShown({ key, lastUsedMs, lastTool }: Held): ToolKey {
  return {
    ...key,
    ...(lastUsedMs === undefined ? {} : { lastUsedAt: new Date(lastUsedMs).toISOString() }),
    ...(lastTool === undefined ? {} : { lastTool }),
  };
}

function toStored(one: Held): StoredToolKey {
  const { lent: _lent, ...rest } = toShown(one);
  return { ...rest, hash: one.digest.toString('hex') };
}

function bad(detail: string): AgentError {
  return new AgentError('bad_usage', detail);
}
