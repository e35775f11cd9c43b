import Database from 'better-sqlite3';
import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bodyHash } from '../../audit/chain.ts';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { listSegments } from '../../audit/segment.ts';
import { tamper } from '../audit/ledger-dir.ts';

/** A whole number from 0 up to, not including, a bound. */
export type Choose = (bound: number) => number;

/** A choice that can be repeated: mulberry32 of a seed. */
export function seeded(seed: number): Choose {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

interface Row {
  readonly seq: number;
  readonly body: string;
  readonly hash: string;
}

/** Does something to a closed ledger that nobody may; says what it was, or nothing when it changed nothing. */
export type Mutation = (dir: string, choose: Choose) => string | undefined;

const segmentAt = (dir: string, choose: Choose): number => 1 + choose(listSegments(dir).length);
const pathOf = (dir: string, number: number): string =>
  join(dir, `audit-${String(number).padStart(6, '0')}.sqlite`);

function rowsOf(db: Database.Database): Row[] {
  return db.prepare<[], Row>('SELECT seq, body, hash FROM records ORDER BY seq').all();
}

/** What all segments say, however their bytes lie in the files. */
function contents(dir: string): string {
  return listSegments(dir)
    .map(({ path }) => {
      const db = new Database(path, { readonly: true });
      try {
        const records = db.prepare('SELECT * FROM records ORDER BY seq').raw().all();
        const beside = ['SELECT * FROM segment', 'SELECT body FROM carried ORDER BY rowid'];
        const format = db.pragma('user_version');
        return JSON.stringify([records, format, ...beside.map((sql) => db.prepare(sql).all())]);
      } finally {
        db.close();
      }
    })
    .join('\n');
}

function saysSame(dir: string, before: string): boolean {
  try {
    return contents(dir) === before;
  } catch {
    // Not readable any more: a change as well.
    return false;
  }
}

function changedText(text: string, choose: Choose): string {
  const at = choose(text.length);
  const old = text.charCodeAt(at);
  const flipped = old ^ (1 << choose(5));
  return text.slice(0, at) + String.fromCharCode(flipped) + text.slice(at + 1);
}

const columns = ['at', 'kind', 'request_id', 'user', 'api', 'decision', 'code', 'body', 'hash'];

/** One bit of what a record says, or of what it is found by. */
const flip: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  let done: string | undefined;
  tamper(
    dir,
    (db) => {
      const rows = rowsOf(db);
      const seq = rows[choose(rows.length)]?.seq;
      const column = columns[choose(columns.length)] ?? 'body';
      const value = db.prepare(`SELECT ${column} FROM records WHERE seq = ?`).pluck().get(seq);
      if (typeof value !== 'string') return;
      const changed = changedText(value, choose);
      db.prepare(`UPDATE records SET ${column} = ? WHERE seq = ?`).run(changed, seq);
      done = `flip ${column} of ${seq}`;
    },
    segment,
  );
  return done;
};

/** One bit of a file; not counted where it hits what says nothing. */
const flipByte: Mutation = (dir, choose) => {
  const before = contents(dir);
  const path = pathOf(dir, segmentAt(dir, choose));
  const bytes = readFileSync(path);
  const at = choose(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << choose(8));
  writeFileSync(path, bytes);
  return saysSame(dir, before) ? undefined : `flip byte ${at} of ${path}`;
};

const remove: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  let seq: number | undefined;
  tamper(
    dir,
    (db) => {
      const rows = rowsOf(db);
      seq = rows[choose(rows.length)]?.seq;
      db.prepare('DELETE FROM records WHERE seq = ?').run(seq);
    },
    segment,
  );
  return `remove ${seq}`;
};

const removeSegment: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  rmSync(pathOf(dir, segment));
  return `remove segment ${segment}`;
};

const swap: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  let pair: readonly (number | undefined)[] = [];
  tamper(
    dir,
    (db) => {
      const rows = rowsOf(db);
      const first = choose(rows.length - 1);
      const second = first + 1 + choose(rows.length - first - 1);
      pair = [rows[first]?.seq, rows[second]?.seq];
      const move = db.prepare('UPDATE records SET seq = ? WHERE seq = ?');
      move.run(-1, pair[0]);
      move.run(pair[0], pair[1]);
      move.run(pair[1], -1);
    },
    segment,
  );
  return `swap ${pair.join(' and ')}`;
};

const swapSegments: Mutation = (dir, choose) => {
  const count = listSegments(dir).length;
  const first = 1 + choose(count - 1);
  const second = first + 1 + choose(count - first);
  const aside = `${pathOf(dir, first)}.aside`;
  renameSync(pathOf(dir, first), aside);
  renameSync(pathOf(dir, second), pathOf(dir, first));
  renameSync(aside, pathOf(dir, second));
  return `swap segments ${first} and ${second}`;
};

const duplicateSegment: Mutation = (dir, choose) => {
  const [from, to] = [segmentAt(dir, choose), segmentAt(dir, choose)];
  if (from === to) {
    copyFileSync(pathOf(dir, from), pathOf(dir, listSegments(dir).length + 1));
    return `append segment ${from} again`;
  }
  copyFileSync(pathOf(dir, from), pathOf(dir, to));
  return `segment ${from} in place of ${to}`;
};

const truncate: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  let from = 0;
  tamper(
    dir,
    (db) => {
      const rows = rowsOf(db);
      from = rows[choose(rows.length)]?.seq ?? 0;
      db.prepare('DELETE FROM records WHERE seq >= ?').run(from);
    },
    segment,
  );
  for (let later = segment + 1; later <= listSegments(dir).length; later += 1) {
    rmSync(pathOf(dir, later), { force: true });
  }
  return `truncate at ${from}`;
};

const truncateFile: Mutation = (dir, choose) => {
  const before = contents(dir);
  const path = pathOf(dir, segmentAt(dir, choose));
  const bytes = choose(readFileSync(path).length);
  truncateSync(path, bytes);
  return saysSame(dir, before) ? undefined : `cut ${path} to ${bytes} bytes`;
};

/** One record is changed, and the chain computed anew from there to its very end: whole in itself. */
const restamp: Mutation = (dir, choose) => {
  const files = listSegments(dir);
  const first = choose(files.length);
  let prev: string | undefined;
  let changed: number | undefined;
  for (const { number } of files.slice(first)) {
    tamper(
      dir,
      (db) => {
        const rows = rowsOf(db);
        const from = changed === undefined ? choose(rows.length) : 0;
        if (prev !== undefined) db.prepare('UPDATE segment SET prev = ?').run(prev);
        for (const { seq, body } of rows.slice(from)) {
          const record = JSON.parse(body) as Record<string, unknown>;
          if (changed === undefined) record['at'] = '2020-01-01T00:00:00.000Z';
          if (prev !== undefined) record['prev'] = prev;
          changed ??= seq;
          const text = canonicalJson(record);
          prev = bodyHash(text);
          db.prepare('UPDATE records SET at = ?, body = ?, hash = ? WHERE seq = ?').run(
            record['at'],
            text,
            prev,
            seq,
          );
        }
      },
      number,
    );
  }
  return `restamp from ${changed}`;
};

/** A line of the checkpoints changed, removed, repeated or moved. */
const checkpoints: Mutation = (dir, choose) => {
  const path = join(dir, 'checkpoints.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  // Lines that are missing from the end are missed only by who kept one elsewhere.
  const at = choose(lines.length - 1);
  const line = lines[at] ?? '';
  const changes: readonly [string, () => string[]][] = [
    ['change', () => lines.with(at, changedText(line, choose))],
    ['remove', () => lines.toSpliced(at, 1)],
    ['repeat', () => lines.toSpliced(at, 0, line)],
    ['move', () => [...lines.toSpliced(at, 1), line]],
  ];
  const [name, change] = changes[choose(changes.length)] ?? ['', () => lines];
  writeFileSync(path, `${change().join('\n')}\n`);
  return `${name} checkpoint line ${at + 1} of ${lines.length}`;
};

/** The copies of requests that were open as a segment was begun: one changed, removed, put in, or two exchanged. */
const carried: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  let done: string | undefined;
  tamper(
    dir,
    (db) => {
      const bodies = db
        .prepare<[], string>('SELECT body FROM carried ORDER BY rowid')
        .pluck()
        .all();
      const [at, other] = [choose(bodies.length || 1), choose(bodies.length || 1)];
      const [one = '{}', two = '{}'] = [bodies[at], bodies[other]];
      const changes: readonly [string, () => string[]][] = [
        ['flip', () => bodies.map((body, n) => (n === at ? changedText(body, choose) : body))],
        ['remove', () => bodies.toSpliced(at, 1)],
        ['insert', () => bodies.toSpliced(at, 0, one)],
        ['swap', () => bodies.map((body, n) => (n === at ? two : n === other ? one : body))],
      ];
      const [name, change] = changes[choose(changes.length)] ?? ['', () => bodies];
      const changed = change();
      if (changed.join('\n') === bodies.join('\n')) return;
      db.exec('DELETE FROM carried');
      for (const body of changed) db.prepare('INSERT INTO carried VALUES (?)').run(body);
      done = `${name} copy ${at + 1} of ${bodies.length} in segment ${segment}`;
    },
    segment,
  );
  return done;
};

/** The day on which a segment says that it was begun. */
const day: Mutation = (dir, choose) => {
  const segment = segmentAt(dir, choose);
  tamper(
    dir,
    (db) => {
      const said = db.prepare<[], string>('SELECT day FROM segment').pluck().get() ?? '';
      db.prepare('UPDATE segment SET day = ?').run(changedText(said, choose));
    },
    segment,
  );
  return `flip day of segment ${segment}`;
};

/** By name, since each has its own share of the places. */
export const mutations: Readonly<Record<string, Mutation>> = {
  flip,
  flipByte,
  remove,
  removeSegment,
  swap,
  swapSegments,
  duplicateSegment,
  truncate,
  truncateFile,
  restamp,
  checkpoints,
  carried,
  day,
};
