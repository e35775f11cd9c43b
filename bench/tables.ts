import type { Row } from './report.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const widths = head.map((cell, at) =>
    Math.max(cell.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const pad = (cells: readonly string[]): readonly string[] =>
    cells.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(pad(head)), line(rule), ...rows.map((row) => line(pad(row)))].join('\n');
}

/**
 * Prints the rows as Markdown tables.
 *
 * @param rows from {@link summarize}
 * @param referenceName the peer that ratios are against
 * @returns the text
 */
export function renderTables(rows: readonly Row[], referenceName: string): string {
  const counts = rows[0]?.load.map(({ connections }) => connections) ?? [];
  const load = rows.map(({ peer, load }) => [
    peer,
    ...load.flatMap(({ perSecond, ratio, ratioRange: [low, high] }) => [
      String(perSecond),
      `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`,
    ]),
  ]);
  const rest = rows.map(({ peer, load, download, upload, rssMib }) => [
    peer,
    ...load
      .filter(({ connections }) => connections === 8)
      .flatMap(({ p50Us, p99Us }) => [String(p50Us), String(p99Us)]),
    ...[download, upload].flatMap((one) => [String(one.mbPerSecond), one.ratio.toFixed(2)]),
    rssMib.map(({ process, mib }) => `${process} ${mib}`).join(', ') || '-',
  ]);
  const loadHead = counts.flatMap((count) => [`c${count} req/s`, `c${count} ratio`]);
  const restHead = ['c8 p50 us', 'c8 p99 us', 'down MB/s', 'ratio', 'up MB/s', 'ratio', 'RSS MiB'];
  return [
    `Requests a second and ratio to "${referenceName}" (median of rounds, range in brackets)`,
    table(['peer', ...loadHead], load),
    `Latency, one large body each way, resident memory after all load`,
    table(['peer', ...restHead], rest),
  ].join('\n\n');
}
