import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { inPath } from '../../../build/test-tools.ts';
import { editConfig, postReload } from '../../support/operator.ts';
import { createRelayBench } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly h: number;
    readonly w: number;
    readonly x: number;
    readonly y: number;
  };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[];
  };
}

const page = read('monitoring.md');
const rules = (
  parse(read('grafana/latchkey-alerts.yml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('grafana/latchkey-dashboard.json')) as Dashboard;

/** The metrics that the page names: type and labels. */
const documented = new Map(
  [...page.matchAll(/^\| `(latchkey_\w+)` \| (\w+) \| (.*?) \|/gm)].map(
    ([, name, type, labels]) => [
      name as string,
      {
        type: type as string,
        labels: [...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label as string),
      },
    ],
  ),
);

const panelsOf = (kind: (panel: Panel) => boolean): readonly Panel[] =>
  dashboard.panels.filter(kind);
const expressions: readonly (readonly [where: string, expr: string])[] = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr] as const),
  ),
  ...dashboard.annotations.list.map(({ expr }) => ['annotation', expr] as const),
  ...dashboard.templating.list.map(({ name, definition = '' }) => [name, definition] as const),
];

const withoutTexts = (expr: string): string => expr.replaceAll(/"[^"]*"/g, '""');
const familyOf = (name: string): string =>
  documented.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');

test('the page names the metrics of a running relay: all of them, and no other, each with its type', async (t) => {
  const bench = await createRelayBench(t);
  const sinks = 'sinks: [{ name: disk, type: file, path: ./disk.jsonl }]';
  await editConfig(bench, (before) => before.replace('dir: ./audit', `dir: ./audit, ${sinks}`));
  assert.equal((await postReload(bench)).status, 200);
  let text = '';
  await until('a sink that runs', async () => {
    text = await (await fetch(`${bench.relay.management}/metrics`)).text();
    return text.includes('audit_sink');
  });
  const shown = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name, type]) => [name, type] as const,
  );
  const own = shown.filter(([name]) => name?.startsWith('latchkey_') === true);
  assert.deepEqual(
    own.map(([name, type]) => `${name} ${type}`).sort(),
    [...documented]
      .filter(([name]) => !name.startsWith('latchkey_worker_'))
      .map(([name, { type }]) => `${name} ${type}`)
      .sort(),
  );
  const all = new Set(shown.map(([name]) => name));
  for (const [where, expr] of expressions)
    for (const [name] of withoutTexts(expr).matchAll(/\b(?:process|nodejs)_\w+/g))
      assert.ok(all.has(name), `${where}: ${name}`);
});

test('dashboard and alerts ask for metrics that there are, by labels that these have', () => {
  // What Prometheus itself adds, and what node's own figures have with several workers.
  const everywhere = ['instance', 'job', 'le', 'worker'];
  for (const [where, expr] of expressions) {
    const names = [...withoutTexts(expr).matchAll(/\blatchkey_\w+/g)].map(([name]) =>
      familyOf(name),
    );
    const known = names.flatMap((name) => {
      const metric = documented.get(name);
      assert.ok(metric !== undefined, `${where}: ${name} is not documented`);
      return metric.labels;
    });
    const selected = [...withoutTexts(expr).matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*""/g)].map(
      ([, label]) => label,
    );
    const grouped = [...expr.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, list]) =>
      (list ?? '').split(/,\s*/),
    );
    for (const label of [...selected, ...grouped])
      assert.ok(
        [...known, ...everywhere].includes(label ?? ''),
        `${where}: ${label} is no label of ${names.join()}`,
      );
  }
});

test('each alert says how bad, what, and where it is explained; the page explains each, and no other', () => {
  const headings = [...page.matchAll(/^### (Latchkey\w+)$/gm)].map(([, name]) => name as string);
  assert.deepEqual(headings.toSorted(), rules.map(({ alert }) => alert).sort());
  assert.equal(new Set(headings).size, headings.length);
  for (const { alert, labels, annotations } of rules) {
    assert.equal(annotations.runbook, `docs/monitoring.md#${alert.toLowerCase()}`);
    assert.ok(annotations.summary.length > 20, alert);
    const [, severity] = new RegExp(`### ${alert}\\n\\n(Page|Ticket)\\.`).exec(page) ?? [];
    assert.equal(
      severity?.toLowerCase(),
      labels.severity,
      `${alert}: the page says another severity`,
    );
    for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      const rule = rules.find((one) => one.alert === alert);
      const names = [...(rule?.expr ?? '').matchAll(/\b(?:latchkey_\w+|up)\b/g)].map(
        ([name]) => name,
      );
      const has = [
        'instance',
        ...names.flatMap((name) => documented.get(familyOf(name))?.labels ?? []),
      ];
      assert.ok(has.includes(label as string), `${alert}: there is no ${label}`);
    }
  }
});

test('the rules do on made-up days what the page says', (t) => {
  if (!inPath('promtool')) {
    t.skip('promtool is not installed; it is in the package prometheus');
    return;
  }
  for (const args of [
    ['check', 'rules', join(docs, 'grafana', 'latchkey-alerts.yml')],
    ['test', 'rules', join(import.meta.dirname, 'alerts.promtool.yml')],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  }
});

test('expressions are well formed as far as can be told without Prometheus', () => {
  const pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
  for (const [where, expr] of expressions) {
    assert.equal((expr.match(/"/g)?.length ?? 0) % 2, 0, `${where}: quotes`);
    const open: string[] = [];
    for (const letter of withoutTexts(expr))
      if ('([{'.includes(letter)) open.push(letter);
      else if (letter in pairs) assert.equal(open.pop(), pairs[letter], `${where}: ${letter}`);
    assert.deepEqual(open, [], where);
    // A counter is only ever asked how fast it grows.
    for (const [, before, name] of expr.matchAll(/(\w*)\(?(latchkey_\w+_total)\b/g))
      assert.ok(
        ['rate', 'increase', 'label_values'].includes(before ?? ''),
        `${where}: ${name} without rate`,
      );
  }
});

test('the dashboard is whole: panels have a place, a question and an explanation', () => {
  assert.ok(dashboard.uid.length > 0 && dashboard.schemaVersion >= 36);
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'an id twice');
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x >= 0 && w > 0 && x + w <= 24 && h > 0, title);
    for (let row = y; row < y + h; row++)
      for (let column = x; column < x + w; column++) {
        assert.ok(!taken.has(`${row},${column}`), `${title} lies over another panel`);
        taken.add(`${row},${column}`);
      }
  }
  for (const { title, description, targets } of panelsOf(({ type }) => type !== 'row')) {
    assert.ok((description ?? '').length > 5, `${title}: no explanation`);
    assert.ok(targets !== undefined && targets.length > 0, `${title}: no question`);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
  }
  const names = new Set(dashboard.templating.list.map(({ name }) => name));
  for (const [where, expr] of expressions)
    for (const [, name] of expr.matchAll(/\$\{?(?!__)([a-z]+)/g))
      assert.ok(names.has(name as string), `${where}: $${name} is no variable`);
});
