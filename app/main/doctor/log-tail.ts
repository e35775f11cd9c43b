import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';

const mostBytes = 256 * 1024;
const mostLines = 200;
/** A log's own line; anything else in the file (a crash's words, say) could hold whatever was at hand. */
const logLine = z.record(
  z.string().regex(/^[A-Za-z][\w.-]{0,40}$/),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
);

/** The end of a log. */
export interface LogTail {
  readonly lines: readonly unknown[];
  /** How many lines were no JSON objects of plain values. */
  readonly leftOut: number;
}

/**
 * Reads the last lines of a log of JSON lines.
 *
 * @param path the file
 * @returns the lines, or `undefined` when there is no such file
 */
export function readLogTail(path: string): LogTail | undefined {
  const text = readEnd(path);
  if (text === undefined) return undefined;
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-mostLines)
    .map(parse);
  const good = lines.filter((line) => line !== undefined);
  return { lines: good, leftOut: lines.length - good.length };
}

function readEnd(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, mostBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function parse(line: string): unknown {
  try {
    const result = logLine.safeParse(JSON.parse(line));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
