import type { ActivityRecord } from './activity-record.ts';
import { configWords } from './config-words.ts';
import { membersOf, textOf, type Members } from './event-members.ts';
import { counted } from './format.ts';
import { outsideText } from './outside-text.ts';
import { readWords } from './read-words.ts';

type Words = (record: ActivityRecord) => string;

const ours = ({ side }: ActivityRecord): string => (side === 'relay' ? 'The relay' : 'Latchkey');

const words: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['request', ({ decision }) => (decision === 'deny' ? 'Request refused' : 'Request let through')],
  ['outcome', ({ closedBy }) => closedWords(closedBy)],
  ['interrupted', (record) => `${ours(record)} ended before the answer did`],
  ['sign-in', signInWords],
  ['sign-out', signOutWords],
  ['refresh', () => 'Session renewed'],
  ['step-up', stepUpWords],
  ['config', configWords],
  ['admin-read', readWords],
  ['export', ({ detail }) => `Audit exported${(detail ?? '').replace(/^export/u, '')}`],
  ['erase', eraseWords],
  ['hold', holdWords],
  ['expire', expireWords],
  ['start', (record) => `${ours(record)} started`],
  ['stop', (record) => `${ours(record)} stopped`],
  ['gap', ({ detail }) => capital(detail ?? 'nothing could be recorded for a while')],
  ['anomaly', anomalyWords],
]);

/**
 * Says what a record is of, in the window and in the console.
 *
 * @param record of any kind; who did it stands beside it
 * @returns a sentence without its end; harmless to look at, whatever the record says
 */
export function eventWords(record: ActivityRecord): string {
  const told = words.get(record.kind) ?? unknownWords;
  return outsideText(told(record));
}

function unknownWords({ kind, detail }: ActivityRecord): string {
  const what = `Something that this version has no words for (${kind})`;
  return detail === undefined ? what : `${what}: ${detail}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const ends: ReadonlyMap<string, string> = new Map([
  ['client', 'Cut off: the tool went away'],
  ['upstream', 'Answered by the API'],
  ['relay', 'Answered by the relay'],
  ['expiry', 'Cut off: the access had expired'],
  ['revocation', 'Cut off: the access was revoked'],
  ['drain', 'Cut off: the relay was stopping'],
  ['error', 'Failed on the way'],
]);

/**
 * Says how an exchange ended.
 *
 * @param closedBy as the record has it
 * @returns a sentence without its end
 */
export const closedWords = (closedBy = ''): string => ends.get(closedBy) ?? 'Request ended';

function signInWords({ side, decision, detail }: ActivityRecord): string {
  if (side !== 'relay') return 'Signed in';
  const where = detail === 'console' ? ' to the console' : '';
  return decision === 'deny' ? `Sign-in${where} refused` : `Signed in${where}`;
}

const revoked: ReadonlyMap<string, string> = new Map([
  ['sub', 'every session of this person'],
  ['sid', 'one session'],
  ['jti', 'one token'],
]);

function signOutWords({ detail, count = 0 }: ActivityRecord): string {
  if (detail === 'console') return 'Signed out of the console';
  const members = membersOf(detail);
  if (members === undefined) return detail === undefined ? 'Signed out' : `Signed out: ${detail}`;
  const what = revoked.get(textOf(members, 'kind') ?? '') ?? 'access';
  const cut = count === 0 ? '' : `, ${counted(count, 'stream')} cut`;
  const reason = textOf(members, 'reason');
  return `An administrator revoked ${what}${cut}${reason === undefined ? '' : `: ${reason}`}`;
}

function stepUpWords({ decision, detail }: ActivityRecord): string {
  const how =
    decision === 'deny'
      ? 'A stronger sign-in did not succeed'
      : 'Confirmed with a stronger sign-in';
  return detail === undefined ? how : `${how}: ${detail}`;
}

function holdWords({ detail, api }: ActivityRecord): string {
  const members = membersOf(detail);
  const [of, id, reason] = ['of', 'id', 'reason'].map((name) => textOf(members, name));
  const deed = textOf(members, 'action') === 'remove' ? 'lifted from' : 'set on';
  const whom =
    of === 'all' ? 'everything' : of === 'api' ? `the API ${api ?? ''}`.trim() : 'one person';
  if (members === undefined) return ['Legal hold changed', detail].filter(Boolean).join(': ');
  const what = `Legal hold ${id ?? ''} ${deed} ${whom}${byWords(members)}`;
  return [what.replace('  ', ' '), reason].filter(Boolean).join(': ');
}

function eraseWords({ count, detail }: ActivityRecord): string {
  const from = count === undefined ? '' : ` from ${counted(count, 'record')}`;
  return `A person was erased${from}${byWords(membersOf(detail))}`;
}

/** The account of the computer that a command ran under. */
function byWords(members: Members | undefined): string {
  const by = textOf(members, 'by');
  return by === undefined ? '' : `, by ${by}`;
}

function expireWords({ detail, count }: ActivityRecord): string {
  if (count === undefined) return 'Old records deleted';
  if (detail === 'keys of people without records')
    return `Keys of ${count === 1 ? '1 person' : `${count} people`} without records deleted`;
  const which = detail === undefined || detail === '' ? '' : ` (${detail})`;
  return `${counted(count, 'old record')} deleted${which}`;
}

const anomalies: ReadonlyMap<string, string> = new Map([
  ['denials', 'Unusually many refusals of one person'],
  ['sourceDenials', 'Unusually many refusals of one address'],
  ['tokenReplay', 'Proofs or tokens were sent again'],
  ['newTool', 'A tool that this person has not used before'],
  ['newNetwork', 'A network that this person has not come from before'],
  ['volume', 'Unusually many requests of one person'],
  ['unusualHour', 'An hour at which this person is usually not active'],
  ['forgery', 'Somebody else wrote into the audit’s files'],
]);

function anomalyWords({ rule = '', detail }: ActivityRecord): string {
  const what = anomalies.get(rule) ?? ['Something unusual', rule].filter(Boolean).join(', ');
  return detail === undefined ? what : `${what}: ${detail}`;
}
