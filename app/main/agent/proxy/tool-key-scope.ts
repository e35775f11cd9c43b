import { AgentError } from '../errors.ts';
import type { KeyedCall, NewToolKey, ToolKey, ToolKeyScope } from './tool-key.ts';

const LONGEST_LIFE_MS = 3650 * 24 * 3600 * 1000;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
// Format characters are left out: they turn around or hide what a list shows.
const NAME = /^(?! )[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}(?<! )$/u;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** `billing`; with several relays `acme/billing`, or `acme/*` for all of that one. */
const API = new RegExp(String.raw`^(?:${LABEL}/)?${LABEL}$|^${LABEL}/\*$`);
const METHOD = /^[A-Z][A-Z-]{0,31}$/;

/** What a key's id looks like; no name may. */
export const TOOL_KEY_ID = /^key_[0-9a-f]{12}$/;

/**
 * Checks what a new key shall be, and keeps nothing else of it.
 *
 * @param options as they came
 * @param nowMs epoch ms
 * @returns name, limits and end, as they are kept
 * @throws {AgentError} `bad_usage`
 */
export function newKeyFields(
  options: NewToolKey,
  nowMs: number,
): ToolKeyScope & { readonly name: string; readonly expiresAt?: string } {
  const { name, apis, methods, readOnly, expiresInMs } = options;
  if (!NAME.test(name)) throw bad('A key’s name is 1 to 64 printable characters.');
  if (TOOL_KEY_ID.test(name)) throw bad('A key’s name must not look like an id (key_…).');
  if (name.startsWith('lk_')) {
    throw bad('A key’s name must not begin with lk_: it would look like a secret.');
  }
  checkList(
    apis,
    API,
    'An API is named in small letters, digits and hyphens, such as billing or acme/billing.',
  );
  checkList(methods, METHOD, 'A method is written in capital letters, such as GET.');
  if (expiresInMs !== undefined && !(expiresInMs > 0 && expiresInMs <= LONGEST_LIFE_MS)) {
    throw bad('A key lives longer than nothing and at most 3650 days.');
  }
  return {
    name,
    ...(expiresInMs === undefined
      ? {}
      : { expiresAt: new Date(nowMs + expiresInMs).toISOString() }),
    ...(apis === undefined ? {} : { apis: [...new Set(apis)] }),
    ...(methods === undefined ? {} : { methods: [...new Set(methods)] }),
    ...(readOnly === true ? { readOnly } : {}),
  };
}

/**
 * Tells whether a key's time is over.
 *
 * @param key any key
 * @param nowMs epoch ms
 * @returns true from the moment of its end on
 */
export function isExpired({ expiresAt }: ToolKey, nowMs: number): boolean {
  // Not `<=`: a time that cannot be read compares false, and must count as over.
  return expiresAt !== undefined && !(nowMs < Date.parse(expiresAt));
}

/**
 * Finds out what of a call is outside a key's limits.
 *
 * @param key whose limits
 * @param call what is asked for
 * @returns the limit and words for people, or `undefined` when the call is within
 */
export function outsideScope(
  key: ToolKey,
  call: KeyedCall,
): { readonly why: 'api' | 'method'; readonly detail: string } | undefined {
  const { name, apis, methods, readOnly } = key;
  if (apis && !isAmong(apis, call.api)) {
    const detail = `The key “${name}” opens only ${apis.join(', ')}.${nameHint(apis, call.api)}`;
    return { why: 'api', detail };
  }
  if (readOnly === true && (call.upgrade === true || !SAFE_METHODS.has(call.method))) {
    const detail = `The key “${name}” is read-only: GET, HEAD and OPTIONS, and no WebSocket.`;
    return { why: 'method', detail };
  }
  if (methods && !methods.includes(call.method)) {
    return { why: 'method', detail: `The key “${name}” allows only ${methods.join(', ')}.` };
  }
  return undefined;
}

function isAmong(apis: readonly string[], api: string | undefined): boolean {
  if (api === undefined) return false;
  const slash = api.indexOf('/');
  return apis.includes(api) || (slash > 0 && apis.includes(`${api.slice(0, slash)}/*`));
}

/** A name without a profile's could be anybody's. */
function nameHint(apis: readonly string[], api: string | undefined): string {
  const bare = api?.split('/')[1];
  if (bare === undefined || !apis.includes(bare)) return '';
  return ` Several relays are set up, so that a key names this API ${api}: make it anew with \`latchkey keys add NAME --api ${api}\`.`;
}

function checkList(values: readonly string[] | undefined, form: RegExp, hint: string): void {
  if (values === undefined) return;
  if (values.length < 1 || values.length > 100 || !values.every((value) => form.test(value))) {
    throw bad(`${hint} A list has 1 to 100 of them.`);
  }
}

function bad(detail: string): AgentError {
  return new AgentError('bad_usage', detail);
}
