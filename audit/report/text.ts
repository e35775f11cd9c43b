import type { Figures, Report } from './shape.ts';
import { type Column, tableLines, type TableRow } from './table.ts';
import { amount, bytes, duration, percent, timesIn, whoOf } from './words.ts';

const MOST_ROWS = 20;

const text = (title: string, most: number): Column => ({ title, most });
const number = (title: string, most = 11): Column => ({ title, most, isNumber: true });

const BECAUSE = {
  hour: 'never near this time of day before',
  weekday: 'never on this weekday before',
} as const;

interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly TableRow[];
}

const plain = <T>(list: readonly T[], cells: (it: T) => readonly string[]): TableRow[] =>
  list.map((it) => ({ cells: cells(it) }));

const traffic = (it: Figures): string[] => [
  amount(it.requests),
  amount(it.denied),
  amount(it.errors),
  bytes(it.bytesIn),
  bytes(it.bytesOut),
];
const TRAFFIC = [
  number('requests'),
  number('denied'),
  number('errors'),
  number('sent', 9),
  number('received', 9),
];

function people(report: Report): Section {
  return {
    title: 'People',
    columns: [text('person', 26), ...TRAFFIC, number('usual'), number('sign-ins', 8)],
    rows: plain(report.people, (it) => [
      whoOf(it),
      ...traffic(it),
      it.usual === null ? '-' : amount(it.usual),
      amount(it.signIns),
    ]),
  };
}

function apis(report: Report): Section {
  return {
    title: 'APIs',
    columns: [text('api', 20), ...TRAFFIC, number('people', 7), number('p50', 8), number('p95', 8)],
    rows: plain(report.apis, (it) => [
      it.api,
      ...traffic(it),
      amount(it.people),
      it.durationMs === null ? '-' : duration(it.durationMs.p50),
      it.durationMs === null ? '-' : duration(it.durationMs.p95),
    ]),
  };
}

function tools(report: Report): Section {
  return {
    title: 'Tools',
    columns: [text('tool', 32), ...TRAFFIC, number('people', 7)],
    rows: plain(report.tools, (it) => [it.tool, ...traffic(it), amount(it.people)]),
  };
}

function denials(report: Report): Section {
  return {
    title: 'Denied, by reason',
    columns: [text('reason', 20), number('times'), text('who', 34), text('api', 24)],
    rows: report.denials.flatMap(({ code, count, people, sources }): TableRow[] => {
      const rows = [
        ...people.map((it) => [amount(it.count), whoOf(it), it.api ?? '-']),
        ...sources.map((it) => [amount(it.count), `from ${it.ip}`, '-']),
      ];
      const [only] = rows;
      if (rows.length === 1 && only !== undefined) return [{ cells: [code, ...only] }];
      const most = plain(rows.slice(0, 5), (row) => ['', ...row]);
      return [{ cells: [code, amount(count), 'all'] }, ...most];
    }),
  };
}

function firstUses(report: Report, timeOf: (at: string) => string): Section {
  return {
    title: `First use of an API (none in the ${report.history.days} days before the period)`,
    columns: [text('time', 16), text('person', 40), text('api', 32)],
    rows: plain(report.firstUses, (it) => [timeOf(it.at), whoOf(it), it.api]),
  };
}

function unusual(report: Report, timeOf: (at: string) => string): Section {
  return {
    title: 'Outside usual hours',
    columns: [
      text('from', 16),
      text('hour', 9),
      text('person', 26),
      number('requests'),
      text('why', 34),
    ],
    rows: plain(report.unusualHours, (it) => [
      timeOf(it.at),
      it.hour,
      whoOf(it),
      amount(it.requests),
      BECAUSE[it.because],
    ]),
  };
}

function anomalies(report: Report, timeOf: (at: string) => string): Section {
  return {
    title: 'Anomalies',
    columns: [text('time', 16), text('rule', 13), text('who', 60)],
    rows: report.anomalies.newest.map((it) => ({
      cells: [
        timeOf(it.at),
        it.rule,
        it.person === undefined ? `from ${it.ip ?? 'unknown'}` : whoOf(it.person),
      ],
      note: it.detail,
    })),
  };
}

function heading(report: Report, timeOf: (at: string) => string): string[] {
  const { totals, period, filter, sides } = report;
  const { durationMs } = totals;
  const about = [filter.user && `of ${filter.user}`, filter.api && `to ${filter.api}`];
  const parts: readonly (readonly [string, string])[] = [
    ['requests', amount(totals.requests)],
    ['allowed', amount(totals.allowed)],
    ['denied', amount(totals.denied)],
    ['errors', `${amount(totals.errors)} (${percent(totals.errorRate)})`],
    ['interrupted', amount(totals.interrupted)],
    ['sent, received', `${bytes(totals.bytesIn)}, ${bytes(totals.bytesOut)}`],
    [
      'time taken',
      durationMs === null
        ? '-'
        : `half within ${duration(durationMs.p50)}, 95 % within ${duration(durationMs.p95)}`,
    ],
    ['people', amount(totals.people)],
    ['not recognised', `${amount(totals.unidentified)} requests`],
    ['sign-ins, outs', `${amount(totals.signIns)}, ${amount(totals.signOuts)}`],
  ];
  const side = sides.length === 1 ? `, recorded by the ${sides[0]}` : '';
  return [
    ['Requests', ...about.filter((it) => it !== undefined)].join(' ') +
      ` from ${timeOf(period.since)} to ${timeOf(period.until)} ${period.timezone}${side}`,
    '',
    ...parts.map(([name, value]) => `  ${name.padEnd(16)}${value}`),
  ];
}

/**
 * Writes a report for a terminal, at most 100 columns wide.
 *
 * @param report what was found
 * @returns text that ends with a line end
 */
export function reportText(report: Report): string {
  const timeOf = timesIn(report.period.timezone);
  const sections = [
    people(report),
    apis(report),
    tools(report),
    denials(report),
    firstUses(report, timeOf),
    unusual(report, timeOf),
    anomalies(report, timeOf),
  ];
  const lines = heading(report, timeOf);
  for (const { title, columns, rows } of sections) {
    if (rows.length > 0) lines.push('', title, ...tableLines(columns, rows, MOST_ROWS));
  }
  return `${lines.join('\n')}\n`;
}
