import type { AuditQuery } from '../../audit/query.ts';
import { AUDIT_KINDS, type AuditKind, type AuditRecord } from '../../audit/record.ts';
import { readBounds } from '../../audit/time-bounds.ts';
import { present } from '../config/build-parts.ts';

/** What may be asked for in the address, checked. */
export interface AuditFilter extends Pick<
  AuditQuery,
  'user' | 'api' | 'decision' | 'code' | 'requestId' | 'kinds' | 'since' | 'until'
> {}

/** A page of the audit that somebody asks for. */
export interface AuditAsk {
  readonly filter: AuditFilter;
  readonly limit?: number;
  readonly cursor?: string;
  /** Only records with a smaller `seq`. */
  readonly before?: number;
}

/** A fault in what was asked for; the message says what to ask. */
export class BadAsk extends Error {}

const FILTERS = ['user', 'api', 'decision', 'reason', 'kind', 'requestId', 'since', 'until'];
const PAGE = ['limit', 'cursor', 'before'];
const MOST = 500;

/**
 * Reads the parameters of a query, none of which may be given twice or be without a value.
 *
 * @param parameters of the query
 * @param known the names that there are
 * @returns their values
 * @throws {BadAsk} an unknown or repeated parameter, an empty one, or one that is too long
 */
export function readParameters(
  parameters: URLSearchParams,
  known: readonly string[],
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (!known.includes(name))
      throw new BadAsk(`There is no filter \`${name}\`; there are ${listed(known)}.`);
    if (values.has(name)) throw new BadAsk(`Give \`${name}\` once.`);
    if (value === '' || value.length > MOST)
      throw new BadAsk(`\`${name}\` must be a text of 1 to ${MOST} characters, or be left out.`);
    values.set(name, value);
  }
  return values;
}

const listed = (names: readonly string[]): string => names.join(', ') || 'none';

function matching(name: string, value: string, form: RegExp, expected: string): string {
  if (form.test(value)) return value;
  throw new BadAsk(`\`${name}\` must be ${expected}.`);
}

function wholeNumber(name: string, value: string, most: number): number {
  const number = /^[0-9]{1,15}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= most) return number;
  throw new BadAsk(`\`${name}\` must be a whole number from 1 to ${most}.`);
}

function decisionOf(value: string): 'allow' | 'deny' {
  if (value === 'allow' || value === 'deny') return value;
  throw new BadAsk('`decision` must be allow or deny.');
}

function kindOf(name: string): AuditKind {
  const kind = AUDIT_KINDS.find((known) => known === name);
  if (kind !== undefined) return kind;
  throw new BadAsk(
    `There is no kind \`${name}\`; \`kind\` must be one or more of ${listed(AUDIT_KINDS)}, joined by commas.`,
  );
}

function filterOf(values: ReadonlyMap<string, string>): AuditFilter {
  const take = <T>(name: string, read: (value: string) => T): T | undefined => {
    const value = values.get(name);
    return value === undefined ? undefined : read(value);
  };
  const found = {
    user: values.get('user'),
    api: values.get('api'),
    requestId: values.get('requestId'),
    since: values.get('since'),
    until: values.get('until'),
    decision: take('decision', decisionOf),
    kinds: take('kind', (value) => value.split(',').map(kindOf)),
    code: take('reason', (value) =>
      matching('reason', value, /^[a-z0-9_]+$/, 'the code of a refusal, such as scope'),
    ),
  };
  return present(found);
}

/**
 * Reads a page's address.
 *
 * @param parameters of the query
 * @returns what is asked for; the cursor is checked by the ledger
 * @throws {BadAsk} an unknown or repeated parameter, or one that can't be used
 * @throws {AuditError} `audit_query` for times that can't be used
 */
export function readAsk(parameters: URLSearchParams): AuditAsk {
  const values = readParameters(parameters, [...FILTERS, ...PAGE]);
  const [limit, cursor, before] = PAGE.map((name) => values.get(name));
  if (cursor !== undefined && before !== undefined)
    throw new BadAsk('Give `cursor` or `before`, not both.');
  const filter = filterOf(values);
  readBounds(filter);
  return {
    filter,
    ...(limit === undefined ? {} : { limit: wholeNumber('limit', limit, 1000) }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(before === undefined
      ? {}
      : { before: wholeNumber('before', before, Number.MAX_SAFE_INTEGER) }),
  };
}

/**
 * Reads a stream's address.
 *
 * @param parameters of the query
 * @returns the filter, and after which `seq` to begin
 * @throws {BadAsk} as {@link readAsk}
 */
export function readStreamAsk(parameters: URLSearchParams): {
  readonly filter: Omit<AuditFilter, 'since' | 'until'>;
  readonly after?: number;
} {
  const known = FILTERS.filter((name) => name !== 'since' && name !== 'until');
  const values = readParameters(parameters, [...known, 'after']);
  const after = values.get('after');
  return {
    filter: filterOf(values),
    ...(after === undefined ? {} : { after: wholeNumber('after', after, Number.MAX_SAFE_INTEGER) }),
  };
}

/**
 * Tells whether a record is among those asked for, as the ledger would.
 *
 * @param record any
 * @param filter of a stream
 * @returns true when every member holds
 */
export function matchesFilter(
  record: AuditRecord,
  filter: Omit<AuditFilter, 'since' | 'until'>,
): boolean {
  const { user, api, decision, code, requestId, kinds } = filter;
  return (
    (user === undefined || record.user === user) &&
    (api === undefined || record.api === api) &&
    (decision === undefined || record.decision === decision) &&
    (code === undefined || record.code === code) &&
    (requestId === undefined || record.requestId === requestId) &&
    (kinds === undefined || kinds.includes(record.kind))
  );
}
