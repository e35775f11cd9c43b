import type Database from 'better-sqlite3';
import { FORMAT, SEGMENT_STATEMENTS } from './segment.ts';

/** The triggers by which a segment refuses every change but appending, by name. */
const GUARDS: ReadonlyMap<string, string> = new Map(
  SEGMENT_STATEMENTS.flatMap((sql) => {
    const name = /^CREATE TRIGGER (\w+)/.exec(sql)?.[1];
    return name === undefined ? [] : [[name, sql] as const];
  }),
);

/**
 * Finds which of its guards a segment lacks. Only somebody who opened the file by other means can have removed them,
 * and can have put them back as well: that they are there proves nothing.
 *
 * @param db the open file
 * @param format of its records; the first one's files had guards of their own
 * @returns their names; empty when all are there
 */
export function missingGuards(db: Database.Database, format: number): readonly string[] {
  if (format !== FORMAT) return [];
  const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'");
  const present = new Set(names.pluck().all());
  return [...GUARDS.keys()].filter((name) => !present.has(name));
}

/**
 * Puts back what a segment lacks of its guards.
 *
 * @param db the file, open for writing
 * @param format of its records
 */
export function restoreGuards(db: Database.Database, format: number): void {
  for (const name of missingGuards(db, format)) db.exec(GUARDS.get(name) ?? '');
}

/**
 * Says that guards are missing, for people.
 *
 * @param names of the guards
 * @returns words that follow the name of the file
 */
export function guardsGone(names: readonly string[]): string {
  return `the triggers that refuse changes (${names.join(', ')}) were removed, so somebody wrote in the file`;
}
