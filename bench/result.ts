/** One table of a run. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  /** What a reader must know to read the figures. */
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** One line of a table; a cell that was not measured is null. */
export interface Row {
  readonly name: string;
  readonly cells: readonly (string | number | null)[];
}

/** Rounds to two decimals, for ratios. */
export const round2 = (value: number): number => Math.round(value * 100) / 100;

const cellText = (cell: string | number | null): string => {
  if (cell === null || (typeof cell === 'number' && Number.isNaN(cell))) return '–';
  return String(cell);
};

/**
 * Prints a result as a Markdown table.
 *
 * @param result what was measured
 * @returns the text
 */
export function renderResult({ title, notes, columns, rows }: Result): string {
  const head = ['', ...columns];
  const body = rows.map(({ name, cells }) => [name, ...cells.map(cellText)]);
  const widths = head.map((cell, at) =>
    Math.max(3, cell.length, ...body.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [`## ${title}`, '', line(head), line(rule), ...body.map(line), '', ...notes, ''].join(
    '\n',
  );
}
