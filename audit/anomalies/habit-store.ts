import Database from 'better-sqlite3';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRecent } from '../people/recent.ts';
import { createPrivate } from '../segment.ts';
import { DAY_MS } from '../week-clock.ts';
import { readHabits, writeHabits } from './habit-text.ts';
import type { Habits } from './habits.ts';

const FORMAT = 1;
/** In memory; of others the file knows. At most twice as many. */
const REMEMBERED = 10_000;
/** So many are written at once, those first that wait for longest: a few milliseconds. */
const BATCH = 50;
/** Not seen for so long, they are forgotten. */
const KEPT_DAYS = 90;

const schema = `
CREATE TABLE salt (salt BLOB NOT NULL) STRICT;
CREATE TABLE habits (who TEXT PRIMARY KEY, day INTEGER NOT NULL, learned TEXT NOT NULL) STRICT;
CREATE INDEX habits_day ON habits (day);
`;

/** What is learned of people, by their pseudonyms; survives a restart. */
export interface HabitStore {
  get(who: string): Habits | undefined;
  /** Takes what was learned; it is written soon. */
  set(who: string, habits: Habits): void;
  forget(who: string): void;
  /** A short hash, told by this store alone, in place of a name. */
  hash(name: string): string;
  /** Writes some of what is new; call it now and then. */
  save(): void;
  /** Writes all that is new, and closes the file. */
  close(): void;
}

/**
 * The file in which the learned habits of a ledger's people are kept.
 *
 * @param dir the ledger's directory
 * @returns the path
 */
export const habitsPath = (dir: string): string => join(dir, 'anomalies.sqlite');

function layOut(db: Database.Database): void {
  db.transaction(() => {
    db.exec(schema);
    db.prepare<[Buffer]>('INSERT INTO salt (salt) VALUES (?)').run(randomBytes(16));
    db.pragma(`user_version = ${FORMAT}`);
  }).immediate();
}

function openFile(path: string): Database.Database {
  if (path !== ':memory:') createPrivate(path);
  const db = new Database(path, { timeout: 250 });
  try {
    // What is forgotten must not stay in free pages.
    db.pragma('secure_delete = ON');
    db.pragma('journal_mode = WAL');
    // After a loss of power something is learned again; a file that it damaged is begun anew.
    db.pragma('synchronous = OFF');
    const format = db.pragma('user_version', { simple: true }) as number;
    if (format > FORMAT) throw new Error(`${path} is of a newer version`);
    if (format === 0) layOut(db);
    db.prepare('SELECT who, day, learned FROM habits LIMIT 1').get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whatever is wrong with the file, the relay starts: what it knew is learned again. */
function openAnyway(path: string, onError: (error: unknown) => void): Database.Database {
  try {
    return openFile(path);
  } catch (error) {
    onError(error);
  }
  try {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    return openFile(path);
  } catch (error) {
    onError(error);
    return openFile(':memory:');
  }
}

/**
 * Opens the store.
 *
 * @param options the file; the clock, epoch ms; who is told of failures, which stop nothing; how many
 *   people are remembered at least beside the file
 * @returns the store
 */
export function createHabitStore(options: {
  readonly path: string;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  readonly remembered?: number;
}): HabitStore {
  const { path, now, onError, remembered = REMEMBERED } = options;
  const db = openAnyway(path, onError);
  const today = (): number => Math.floor(now() / DAY_MS);
  db.prepare<[number]>('DELETE FROM habits WHERE day < ?').run(today() - KEPT_DAYS);
  const salt = db.prepare<[], Buffer>('SELECT salt FROM salt').pluck().get() ?? randomBytes(16);
  const find = db.prepare<[string], string>('SELECT learned FROM habits WHERE who = ?').pluck();
  const put = db.prepare<[string, number, string]>(
    'INSERT OR REPLACE INTO habits VALUES (?, ?, ?)',
  );
  const update = db.prepare<[number, string, string]>(
    'UPDATE habits SET day = ?, learned = ? WHERE who = ?',
  );
  const drop = db.prepare<[string]>('DELETE FROM habits WHERE who = ?');
  const recent = createRecent<Habits | 'forgotten'>(remembered);
  const hashes = createRecent<string>(REMEMBERED);
  const changed = new Map<string, Habits>();
  /** What the file has, unless the person was erased since: then it must not come back. */
  const stored = new WeakSet<Habits>();

  const write = db.transaction((some: readonly (readonly [string, Habits])[]) => {
    for (const [who, habits] of some) {
      const text = writeHabits(habits);
      if (stored.has(habits)) update.run(habits.lastDay, text, who);
      else put.run(who, habits.lastDay, text);
    }
  });

  function save(): void {
    const some = [...changed].slice(0, BATCH);
    if (some.length === 0) return;
    // Also when it fails: what could not be written must not fill the memory.
    for (const [who] of some) changed.delete(who);
    try {
      write.immediate(some);
      for (const [, habits] of some) stored.add(habits);
    } catch (error) {
      onError(error);
    }
  }

  function read(who: string): Habits | undefined {
    try {
      const text = find.get(who);
      if (text === undefined) return undefined;
      const habits = readHabits(text);
      stored.add(habits);
      return habits;
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  return {
    get(who) {
      const known = recent.get(who) ?? changed.get(who) ?? read(who);
      if (known === undefined || known === 'forgotten') return undefined;
      recent.set(who, known);
      return known;
    },
    set(who, habits) {
      recent.set(who, habits);
      changed.set(who, habits);
      if (changed.size >= remembered) save();
    },
    forget(who) {
      recent.set(who, 'forgotten');
      changed.delete(who);
      try {
        drop.run(who);
      } catch (error) {
        onError(error);
      }
    },
    hash(name) {
      const known = hashes.get(name);
      if (known !== undefined) return known;
      const made = createHash('sha256').update(salt).update(name).digest('base64url').slice(0, 11);
      hashes.set(name, made);
      return made;
    },
    save,
    close() {
      while (changed.size > 0) save();
      db.close();
    },
  };
}
