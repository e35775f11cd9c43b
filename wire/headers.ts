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

const FOLDED_NAMES = 1_000;
const FOLDED_LENGTH = 64;
/** A pure function's results: traffic repeats a few dozen names. */
const folded = new Map<string, string>();

/**
 * Folds the spellings that servers treat as one name: case, `_` and `.` for `-`.
 *
 * @param name a field name
 * @returns the folded name
 * @see CVE-2025-64484, GHSA-x677-9fxg-v5c5, CVE-2026-88011
 */
export function foldName(name: string): string {
  const known = folded.get(name);
  if (known !== undefined) return known;
  const result = name.toLowerCase().replace(/[_.]/g, '-');
  // Emptied, not kept: whoever sends ever new names only makes it as slow as without.
  if (folded.size >= FOLDED_NAMES) folded.clear();
  if (name.length <= FOLDED_LENGTH) folded.set(name, result);
  return result;
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
  /** Tells by folded name which of the outside's fields go no further. */
  readonly drop: (foldedName: string) => boolean;
  /** Ours, added last: a client's Connection list cannot name them away. */
  readonly add: HeaderList;
}

function passOn(raw: HeaderList, changes: HeaderChanges, own: Set<string>): string[] {
  const named = connectionNames(raw);
  for (let at = 0; at < changes.add.length; at += 2) own.add(foldName(changes.add[at] as string));
  const out: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const folded = foldName(raw[at] as string);
    if (HOP_BY_HOP.has(folded) || named.has(folded) || own.has(folded)) continue;
    if (changes.drop(folded)) continue;
    out.push(raw[at] as string, raw[at + 1] as string);
  }
  return out;
}

function framingFields(framing: Framing, method: string): HeaderList {
  if (framing.kind === 'chunked') return ['Transfer-Encoding', 'chunked'];
  if (framing.kind === 'length') return ['Content-Length', String(framing.bytes)];
  // RFC 9110 §8.6: say so when a method that usually has a body has none.
  return ['POST', 'PUT', 'PATCH'].includes(method) ? ['Content-Length', '0'] : [];
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
  const own = new Set(['host', 'content-length', 'expect']);
  const kept = passOn(raw, changes, own);
  return ['Host', host, ...kept, ...changes.add, ...framingFields(framing, method)];
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
  const kept = passOn(raw, changes, new Set());
  return [...kept, ...changes.add];
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
