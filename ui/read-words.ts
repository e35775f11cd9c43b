import type { ActivityRecord } from './activity-record.ts';
import { membersOf, type Members } from './event-members.ts';
import { formatSpan } from './format.ts';

const reads = new Map<string, (filter: unknown) => string>([
  [
    'audit',
    (filter) =>
      filter === undefined ? 'Looked through the audit' : `Searched the audit${narrowed(filter)}`,
  ],
  ['audit stream', (filter) => `Watched the audit live${narrowed(filter)}`],
  ['summary', (filter) => `Looked at the figures of the past ${spanOf(filter)}`],
  ['request', (filter) => `Looked at request ${String(memberOf(filter, 'requestId'))}`],
  ['verify', () => 'Had the chain of the audit checked'],
]);

/**
 * Says what somebody read of the audit.
 *
 * @param record of the kind `admin-read`
 * @returns a sentence without its end
 */
export function readWords({ detail, count = 1 }: ActivityRecord): string {
  const times = count > 1 ? ` (${count.toLocaleString('en')} times)` : '';
  return `${whatWasRead(detail)}${times}`;
}

function whatWasRead(detail: string | undefined): string {
  const members = membersOf(detail);
  const read = members?.['read'];
  const words = typeof read === 'string' ? reads.get(read) : undefined;
  if (words !== undefined) return words(members?.['filter']);
  if (detail === 'revocations') return 'Looked at the list of revoked sessions and tokens';
  if (detail?.startsWith('report by ') === true)
    return `Had a report made of the audit,${detail.slice('report'.length)}`;
  return detail === undefined ? 'Read the audit' : `Read the audit: ${detail}`;
}

const filters = new Map<string, (value: string) => string>([
  ['user', () => 'one person'],
  ['api', (value) => `API ${value}`],
  ['decision', (value) => (value === 'allow' ? 'what was allowed' : 'what was refused')],
  ['code', (value) => `reason ${value}`],
  ['kinds', (value) => `kind ${value}`],
  ['requestId', (value) => `request ${value}`],
  ['since', (value) => `from ${value}`],
  ['until', (value) => `until ${value}`],
]);

function narrowed(filter: unknown): string {
  if (!isMembers(filter)) return '';
  const words = Object.entries(filter).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(' or ') : String(value);
    return filters.get(name)?.(text) ?? `${name} ${text}`;
  });
  return words.length === 0 ? '' : `: ${words.join(', ')}`;
}

function spanOf(filter: unknown): string {
  const minutes = Number(memberOf(filter, 'minutes'));
  if (!Number.isFinite(minutes)) return 'time';
  return formatSpan(minutes * 60_000).replace(/^1 /u, '');
}

function memberOf(filter: unknown, name: string): unknown {
  return isMembers(filter) ? filter[name] : undefined;
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
