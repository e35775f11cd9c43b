import type { Framing } from './framing.ts';

/** Header fields as a flat list: name, value, name, value. Order and duplicates are kept. */
export type HeaderList = readonly string[];

/** Fields that belong to one connection. @see RFC 9110 §7.6.1 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * Trailer fields that may not change how a message was framed, routed or authorised.
 * @see RFC 9110 §6.5.1
 */
const NEVER_TRAILERS = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'max-forwards',
  'pragma',
  'range',
  'set-cookie',
  'trailer',
  'www-authenticate',
]);

/** Traffic repeats a few dozen names. What they fold to, and what filters say of them, is worked out once. */
const KNOWN_NAMES = 1_000;
const KNOWN_LENGTH = 64;
const folded = new Map<string, string>();

function remember<T>(known: Map<string, T>, name: string, value: T): T {
  // Emptied, not kept: whoever sends ever new names only makes it as slow as without.
  if (known.size >= KNOWN_NAMES) known.clear();
  if (name.length <= KNOWN_LENGTH) known.set(name, value);
  return value;
}

/**
 * Folds the spellings that servers treat as one name: case, `_` and `.` for `-`.
 *
 * @param name a field name
 * @returns the folded name
 * @see CVE-2025-64484, GHSA-x677-9fxg-v5c5, CVE-2026-88011
 */
export function foldName(name: string): string {
  const known = folded.get(name);
  return known ?? remember(folded, name, name.toLowerCase().replace(/[_.]/g, '-'));
}

const NONE: ReadonlySet<string> = new Set();

function connectionNames(raw: HeaderList): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    names ??= new Set();
    for (const each of (raw[at + 1] as string).split(',')) names.add(foldName(each.trim()));
  }
  return names ?? NONE;
}

/** What a sender changes in the fields that it passes on. */
export interface HeaderChanges {
  /**
   * Tells by folded name which of the outside's fields go no further. The same function must say the same
   * of a name each time: what it said is remembered for as long as the function lives.
   */
  readonly drop: (foldedName: string) => boolean;
  /** Ours, added last: a client's Connection list cannot name them away. */
  readonly add: HeaderList;
}

/** By the function that drops: folded names of what goes on, by received ones; undefined for the rest. */
const fates = new WeakMap<HeaderChanges['drop'], Map<string, string | undefined>>();

function fatesOf(drop: HeaderChanges['drop']): Map<string, string | undefined> {
  let known = fates.get(drop);
  if (known === undefined) fates.set(drop, (known = new Map()));
  return known;
}

function fateOf(
  name: string,
  drop: HeaderChanges['drop'],
  known: Map<string, string | undefined>,
): string | undefined {
  const found = known.get(name);
  if (found !== undefined || known.has(name)) return found;
  const folded = foldName(name);
  const fate = HOP_BY_HOP.has(folded) || drop(folded) ? undefined : folded;
  return remember(known, name, fate);
}

/** Appends what may be passed on of the fields received. */
function passOn(
  out: string[],
  raw: HeaderList,
  { drop, add }: HeaderChanges,
  isOwn: (folded: string) => boolean,
): void {
  const known = fatesOf(drop);
  const named = connectionNames(raw);
  const added: string[] = [];
  for (let at = 0; at < add.length; at += 2) added.push(foldName(add[at] as string));
  for (let at = 0; at < raw.length; at += 2) {
    const folded = fateOf(raw[at] as string, drop, known);
    if (folded === undefined || isOwn(folded) || added.includes(folded)) continue;
    if (named.size > 0 && named.has(folded)) continue;
    out.push(raw[at] as string, raw[at + 1] as string);
  }
  for (const each of add) out.push(each);
}

/** What is said anew for each hop, beside what is hop-by-hop. */
const isOfThisHop = (folded: string): boolean =>
  folded === 'host' || folded === 'content-length' || folded === 'expect';
const isNone = (): boolean => false;

const usuallyHasBody = (method: string): boolean =>
  method === 'POST' || method === 'PUT' || method === 'PATCH';

function framingFields(framing: Exclude<Framing, { kind: 'none' }>): HeaderList {
  return framing.kind === 'chunked'
    ? ['Transfer-Encoding', 'chunked']
    : ['Content-Length', String(framing.bytes)];
}

/**
 * Builds the fields of the request that goes on to the next hop.
 *
 * @param raw the fields received
 * @param method the request's method
 * @param host the next hop's Host value
 * @param framing the body's framing, repeated faithfully
 * @param changes what to drop and to add
 * @returns the fields to send
 * @see RFC 9110 §7.6
 */
export function requestHeaders(
  raw: HeaderList,
  method: string,
  host: string,
  framing: Framing,
  changes: HeaderChanges,
): string[] {
  const fields = ['Host', host];
  passOn(fields, raw, changes, isOfThisHop);
  if (framing.kind !== 'none') fields.push(...framingFields(framing));
  // RFC 9110 §8.6: say so when a method that usually has a body has none.
  else if (usuallyHasBody(method)) fields.push('Content-Length', '0');
  return fields;
}

/**
 * Builds the fields of the answer that goes back to the client. Content-Length is kept: it is the
 * same body. Chunked framing is left to the sender.
 *
 * @param raw the fields received from the upstream
 * @param changes what to drop and to add
 * @returns the fields to send
 */
export function responseHeaders(raw: HeaderList, changes: HeaderChanges): string[] {
  const fields: string[] = [];
  passOn(fields, raw, changes, isNone);
  return fields;
}

/**
 * Keeps the trailer fields that may be passed on.
 *
 * @param raw the trailers received
 * @param drop tells by folded name which go no further
 * @returns the trailers to send, as pairs
 * @see RFC 9110 §6.5.1
 */
export function passableTrailers(
  raw: HeaderList,
  drop: (foldedName: string) => boolean = () => false,
): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const folded = foldName(raw[at] as string);
    if (HOP_BY_HOP.has(folded) || NEVER_TRAILERS.has(folded) || drop(folded)) continue;
    out.push([raw[at] as string, raw[at + 1] as string]);
  }
  return out;
}

/**
 * Finds the values of one field, by exact name without case.
 *
 * @param raw a flat field list
 * @param name the field's name in lower case
 * @returns all its values, in order
 */
export function fieldValues(raw: HeaderList, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const candidate = raw[at] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) {
      values.push(raw[at + 1] as string);
    }
  }
  return values;
}
