/** A request as a lenient server would see it. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Lower-case names, `_` as `-`; values of one name in order. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/** Which of two lengths a server believes. */
export type Belief = 'encoding-first' | 'length-first';

/** Reads the head of fields as the most forgiving servers do: any line end, folds, spaces in names. */
function readFields(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let last: string[] | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line) && last !== undefined) {
      last.push(`${last.pop() ?? ''} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    const name = (colon < 0 ? line : line.slice(0, colon)).trim().toLowerCase();
    const values = fields.get(name.replaceAll('_', '-')) ?? [];
    values.push(colon < 0 ? '' : line.slice(colon + 1).trim());
    fields.set(name.replaceAll('_', '-'), values);
    last = values;
  }
  return fields;
}

/** Where a chunked body ends; undefined while it goes on. */
function chunkedEnd(bytes: string, from: number): number | undefined {
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.slice(at, lineEnd).trim(), 16) || 0;
    at = lineEnd + 1;
    if (size === 0) break;
    at += size;
    if (at >= bytes.length) return undefined;
    if (bytes[at] === '\r') at += 1;
    if (bytes[at] === '\n') at += 1;
  }
  for (;;) {
    const lineEnd = bytes.indexOf('\n', at);
    if (lineEnd < 0) return undefined;
    const line = bytes.slice(at, lineEnd).trim();
    at = lineEnd + 1;
    if (line === '') return at;
  }
}

function bodyEnd(
  bytes: string,
  from: number,
  fields: ReadonlyMap<string, readonly string[]>,
  belief: Belief,
): number | undefined {
  const lengths = fields.get('content-length');
  const isChunked = fields.get('transfer-encoding')?.some((value) => /chunked/i.test(value));
  if (isChunked && !(belief === 'length-first' && lengths !== undefined))
    return chunkedEnd(bytes, from);
  const length = belief === 'length-first' ? lengths?.at(-1) : lengths?.[0];
  const end = from + (Number.parseInt(length ?? '0', 10) || 0);
  return end > bytes.length ? undefined : end;
}

/**
 * Reads one request off a stream of bytes, forgiving everything.
 *
 * @param bytes latin1
 * @param from where to begin
 * @param belief which length counts where there are two
 * @returns the request and where it ends; undefined while it is not whole
 */
export function readLeniently(
  bytes: string,
  from: number,
  belief: Belief,
): { readonly request: SeenRequest; readonly end: number } | undefined {
  let start = from;
  while (bytes[start] === '\r' || bytes[start] === '\n') start += 1;
  const head = /\n\r?\n/g;
  head.lastIndex = start;
  const found = head.exec(bytes);
  if (found === null) return undefined;
  const [line = '', ...lines] = bytes.slice(start, found.index).split(/\r\n|\n|\r/);
  const [, method = '', target = ''] = /^(\S*)\s*(.*?)(?:\s+HTTP\/[0-9.]+)?\s*$/.exec(line) ?? [];
  const fields = readFields(lines.filter((one) => one !== ''));
  const end = bodyEnd(bytes, found.index + found[0].length, fields, belief);
  return end === undefined ? undefined : { request: { method, target, fields }, end };
}
