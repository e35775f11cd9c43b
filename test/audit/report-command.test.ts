import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { runAuditCommand } from '../../audit/command.ts';
import type { Report } from '../../audit/report/shape.ts';
import { tableLines } from '../../audit/report/table.ts';
import { reportText } from '../../audit/report/text.ts';
import { buildReport } from '../../audit/report/report.ts';
import { openPastLedger } from './report-ledger.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');

async function run(dir: string, ...argv: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([stdout.toArray(), stderr.toArray()]);
  const code = await runAuditCommand(['report', ...argv], { dir, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, out: out.join(''), err: err.join('') };
}

async function busyLedger(t: TestContext) {
  const ledger = openPastLedger(t);
  const wide = 'Wilhelmine Friederike von und zu Sternenberg-Hohenlohe';
  for (let i = 0; i < 30; i += 1) {
    const who = { issuer: 'https://idp.example.com', user: `user-${i}`, userName: `${wide} ${i}` };
    const tool = { name: `a-tool-with-quite-a-long-name-${i}` };
    await ledger.request({
      at: '2026-11-25T10:00:00Z',
      ...who,
      tool,
      api: `an-internal-api-with-a-long-name-${i}`,
      decision: 'allow',
      count: 1_000_000_000,
      end: { status: 200, bytesIn: 10 ** 14, bytesOut: 10 ** 14, durationMs: 10 ** 7 },
    });
    await ledger.request({
      at: '2026-11-25T11:00:00Z',
      ...who,
      api: 'legacy',
      decision: 'deny',
      code: 'a_code_that_is_long',
      end: { status: 403 },
    });
    await ledger.append('2026-11-25T12:00:00Z', 'anomaly', {
      ...who,
      rule: 'unusualHour',
      detail:
        'Sun 03:00 America/Argentina/Buenos_Aires: not active on this weekday in the last 28 days',
    });
  }
  await ledger.request({
    at: '2026-11-25T11:00:00Z',
    decision: 'deny',
    code: 'token_missing',
    ip: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  });
  return ledger;
}

test('the tables fit 100 columns, whatever the names', async (t) => {
  const { dir } = await busyLedger(t);
  const text = reportText(buildReport(dir, {}, NOW));
  const lines = text.split('\n');
  const wide = lines.filter((line) => line.length > 100);
  assert.deepEqual(wide, []);
  for (const title of ['People', 'APIs', 'Tools', 'Denied, by reason', 'Anomalies'])
    assert.ok(lines.includes(title), title);
  assert.match(text, /First use of an API \(none in the 28 days before the period\)/);
  assert.match(text, /… and 10 more; --json shows all/);
  assert.match(text, /token_missing +1 +from 2001:db8:/);
  // oxlint-disable-next-line no-control-regex -- there must be none
  assert.doesNotMatch(text, /\x1b/);
});

test('an empty ledger is a report without tables', (t) => {
  const { dir } = openPastLedger(t);
  const text = reportText(buildReport(dir, {}, NOW));
  assert.match(text, /^Requests from 2026-11-22 12:00 to 2026-11-29 12:00 UTC\n/);
  assert.match(text, / {2}requests +0\n/);
  assert.doesNotMatch(text, /^People|^APIs/m);
});

test('report --json prints one object; text names the period in the zone that is asked for', async (t) => {
  const { dir, close } = await busyLedger(t);
  await close();
  const period = ['--since', '2026-11-25', '--until', '2026-11-26'];
  const json = await run(dir, '--json', ...period);
  assert.deepEqual([json.code, json.err], [0, '']);
  const report = JSON.parse(json.out) as Report;
  assert.equal(report.version, 1);
  assert.equal(report.people.length, 30);
  assert.equal(report.anomalies.newest.length, 30);
  const text = await run(dir, '--timezone', 'Asia/Tokyo', '--api', 'legacy', ...period);
  assert.equal(text.code, 0);
  assert.match(
    text.out,
    /^Requests to legacy from 2026-11-25 09:00 to 2026-11-26 09:00 Asia\/Tokyo, recorded by the relay\n/,
  );
});

test('bad usage ends with 2 and says what to do', async (t) => {
  const { dir } = openPastLedger(t);
  const cases: [string[], RegExp][] = [
    [['--since', 'yesterday'], /since must be a day or an RFC 3339 time/],
    [['--timezone', 'Mars'], /there is no time zone Mars/],
    [['--bogus'], /--bogus.*\nusage: audit /s],
  ];
  for (const [argv, message] of cases) {
    const { code, out, err } = await run(dir, ...argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, message);
  }
});

test('a name cannot write over the table, nor turn its direction', () => {
  const columns = [{ title: 'who', most: 12 }];
  const names = ['\u001b[2Jeve', '\u202eada\nroot', 'a name of more than twelve'];
  const rows = names.map((name) => ({ cells: [name] }));
  assert.deepEqual(tableLines(columns, rows, 9), [
    '  who',
    '  \ufffd[2Jeve',
    '  \ufffdada\ufffdroot',
    '  a name of m…',
  ]);
});
