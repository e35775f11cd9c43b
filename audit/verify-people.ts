import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Head } from './chain.ts';
import { isRecorded } from './people/events.ts';
import { peoplePath } from './people/key-file.ts';
import { masterKeyPath, nextKeyPath } from './people/master-key.ts';
import { type PeopleSnapshot, peopleSnapshot } from './people/snapshot.ts';
import type { SegmentFile } from './segment.ts';
import type { PeopleRecord, PeopleRows } from './verify-people-rows.ts';
import { message } from './verify-range.ts';
import type { Fault } from './verify-record.ts';

/** What the records of one stretch say of people. */
export interface SegmentPeople extends PeopleRows {
  readonly file: SegmentFile;
}

/** How people and legal holds compare with the records. */
export interface PeopleVerification {
  /** Whether that could be looked at: it takes the master key. */
  readonly checked: boolean;
  readonly faults: readonly Fault[];
  /** Why it could not be. */
  readonly notices: readonly Fault[];
}

const NAME = 'people.sqlite';

/**
 * Holds `people.sqlite` against the records: no hash covers it, and whoever removes something there makes records
 * unreadable, or has them expire, without a trace. Looks at it after the records were read.
 *
 * @param dir the ledger's directory
 * @param found what its records say, in the order of the chain
 * @param head the newest of these records
 * @param isThere whether a record is still there, and has not expired since
 * @returns what is wrong
 */
export function verifyPeople(
  dir: string,
  found: readonly SegmentPeople[],
  head: Head,
  isThere: (segment: SegmentFile, seq: number) => boolean,
): PeopleVerification {
  const isNamed = found.some(({ named }) => named.size > 0);
  const keyFile = masterKeyPath(resolve(dir));
  if (![keyFile, nextKeyPath(keyFile)].some((file) => existsSync(file))) {
    const what = `not held against the records: there is no ${keyFile} here to open it`;
    const isMoot = !isNamed && !existsSync(peoplePath(dir));
    return { checked: isMoot, faults: [], notices: isMoot ? [] : [{ segment: NAME, what }] };
  }
  try {
    const people = peopleSnapshot(dir);
    if (people)
      return { checked: true, faults: compare(dir, found, head, people, isThere), notices: [] };
    const what = 'is missing: nobody in the records can be named';
    return { checked: true, faults: isNamed ? [{ segment: NAME, what }] : [], notices: [] };
  } catch (error) {
    const faults = [
      { segment: NAME, what: `can't be held against the records: ${message(error)}` },
    ];
    return { checked: false, faults, notices: [] };
  }
}

function compare(
  dir: string,
  found: readonly SegmentPeople[],
  head: Head,
  people: PeopleSnapshot,
  isThere: (segment: SegmentFile, seq: number) => boolean,
): readonly Fault[] {
  const records = found.flatMap(({ file, told }) =>
    told.map((record) => ({ ...record, segment: file.name })),
  );
  return [
    ...namedFaults(found, records, people, isThere),
    ...eraseFaults(records, people),
    ...holdFaults(records, people),
    ...toldFaults(dir, records, head, people),
    ...entryFaults(people),
  ];
}

type Placed = PeopleRecord & { readonly segment: string };

function namedFaults(
  found: readonly SegmentPeople[],
  records: readonly Placed[],
  { keys, told }: PeopleSnapshot,
  isThere: (segment: SegmentFile, seq: number) => boolean,
): readonly Fault[] {
  const erased = new Set<string | undefined>(records.filter(isErase).map(({ who }) => who));
  for (const event of told) if (isErase(event)) erased.add(event.fields.who);
  const done = new Set<string>();
  const faults: Fault[] = [];
  for (const { file, named } of found) {
    for (const [who, seq] of named) {
      const state = keys.get(who);
      if (done.has(who) || erased.has(who) || (state !== undefined && state !== 'altered'))
        continue;
      if (!isThere(file, seq)) continue;
      done.add(who);
      const what =
        state === 'altered'
          ? `the key of ${who}, whom this record names, was altered`
          : `the key of ${who}, whom this record names, is gone, and no erase record says so`;
      faults.push({ seq, segment: file.name, what });
    }
  }
  return faults;
}

const isErase = ({ kind }: { readonly kind: string }): boolean => kind === 'erase';

function eraseFaults(records: readonly Placed[], { keys }: PeopleSnapshot): readonly Fault[] {
  return records.filter(isErase).flatMap(({ seq, segment, who = '' }) =>
    keys.has(who)
      ? [
          {
            seq,
            segment,
            what: `the key of ${who}, which this record says was destroyed, is back`,
          },
        ]
      : [],
  );
}

interface HoldChange {
  readonly action?: string;
  readonly id?: string;
}

function holdFaults(records: readonly Placed[], { holds, told }: PeopleSnapshot): readonly Fault[] {
  const changes = records.filter(({ kind }) => kind === 'hold').map((it) => changeOf(it));
  const noted = told.filter(({ kind }) => kind === 'hold').map(({ fields }) => changeIn(fields));
  const ids = (action: string): Set<string | undefined> =>
    new Set([...changes, ...noted].filter((it) => it.action === action).map(({ id }) => id));
  const [added, removed] = [ids('add'), ids('remove')];
  const gone = changes.flatMap(({ action, id = '', seq, segment }) =>
    action === 'add' && !removed.has(id) && !holds.has(id)
      ? [
          {
            seq,
            segment,
            what: `the legal hold ${id} is gone, and no hold record says that it ended`,
          },
        ]
      : action === 'remove' && holds.has(id)
        ? [{ seq, segment, what: `the legal hold ${id}, which ended here, is back` }]
        : [],
  );
  const unknown = [...holds].filter((id) => !added.has(id));
  return [
    ...gone,
    ...unknown.map((id) => ({
      segment: NAME,
      what: `no hold record tells of the legal hold ${id}`,
    })),
  ];
}

const changeOf = (record: Placed): HoldChange & Pick<Placed, 'segment' | 'seq'> => ({
  ...changeIn(record),
  seq: record.seq,
  segment: record.segment,
});

function changeIn({ detail = '' }: { readonly detail?: string | undefined }): HoldChange {
  try {
    return JSON.parse(detail) as HoldChange;
  } catch {
    return {};
  }
}

/** What was noted after the newest record is recorded later, or in a chain of which this is an older copy. */
function toldFaults(
  dir: string,
  records: readonly Placed[],
  head: Head,
  { told, waiting }: PeopleSnapshot,
): readonly Fault[] {
  const recorded = new Set(records.map(({ requestId }) => requestId));
  return told
    .filter(({ id, after }) => after < head.seq && !recorded.has(id) && !waiting.has(id))
    .filter((event) => !isRecorded(dir, event.id, { ...event, after: head.seq }))
    .map(({ kind, after, fields: { who } }) => {
      const of = who === undefined ? '' : ` of ${who}`;
      const what = `the ${kind}${of} that was done after record ${after} is not recorded`;
      return { segment: NAME, what };
    });
}

function entryFaults({ keys, forged }: PeopleSnapshot): readonly Fault[] {
  const moved = [...keys].filter(([, state]) => state === 'moved');
  const events = `holds ${forged} events that wait to be recorded and that Latchkey did not write`;
  return [
    ...(forged > 0 ? [{ segment: NAME, what: events }] : []),
    ...moved.map(([who]) => ({
      segment: NAME,
      what: `the day on which the key of ${who} was last used was altered`,
    })),
  ];
}
