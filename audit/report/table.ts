/** A column of a table for a terminal. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** In characters; longer texts are cut. */
  readonly most: number;
}

const GAP = '  ';
const INDENT = '  ';
const NOTE_INDENT = '      ';
const NOTE_WIDTH = 94;

/** Control characters and what turns the direction of text would let a name write over others. */
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const characters = (text: string): string[] => Array.from(text);

function fitted(text: string, most: number): string {
  const all = characters(text.replace(UNPRINTABLE, '\ufffd'));
  return all.length <= most ? all.join('') : `${all.slice(0, most - 1).join('')}…`;
}

function padded(text: string, width: number, isNumber: boolean): string {
  const gap = ' '.repeat(width - characters(text).length);
  return isNumber ? gap + text : text + gap;
}

/** What a table says. */
export interface TableRow {
  /** A text for each column. */
  readonly cells: readonly string[];
  /** A line of its own below the row. */
  readonly note?: string;
}

/**
 * Writes a table, aligned, without colours.
 *
 * @param columns their titles and widths
 * @param rows what it says
 * @param most how many rows are shown; the rest is counted in a last line
 * @returns lines without line ends
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly TableRow[],
  most: number,
): string[] {
  const shown = rows.slice(0, most).map(({ cells, note }) => ({
    cells: columns.map(({ most: width }, at) => fitted(cells[at] ?? '', width)),
    note,
  }));
  const all = [{ cells: columns.map(({ title }) => title), note: undefined }, ...shown];
  const widths = columns.map((_, at) =>
    Math.max(...all.map(({ cells }) => characters(cells[at] ?? '').length)),
  );
  const lines = all.flatMap(({ cells, note }) => {
    const line = cells.map((text, at) =>
      padded(text, widths[at] ?? 0, columns[at]?.isNumber === true),
    );
    const row = (INDENT + line.join(GAP)).trimEnd();
    return note === undefined ? [row] : [row, NOTE_INDENT + fitted(note, NOTE_WIDTH)];
  });
  const hidden = rows.length - shown.length;
  return hidden === 0 ? lines : [...lines, `${INDENT}… and ${hidden} more; --json shows all`];
}
