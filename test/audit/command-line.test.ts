import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runAuditCommand } from '../../audit/command.ts';
import { queryLedger } from '../../audit/query.ts';
import { ledgerDir, openLedger, writeRequests } from './ledger-dir.ts';
import { administer } from './people-command.ts';

test('an empty value is bad usage, and never a filter that lets everything through', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 3);
  const cases: readonly (readonly [command: string, option: string])[] = [
    ...['since', 'until', 'user', 'api', 'format'].map((name) => ['export', name] as const),
    ...['since', 'until', 'user', 'api', 'timezone'].map((name) => ['report', name] as const),
    ['verify', 'checkpoint'],
    ['verify', 'public-key'],
    ['erase', 'user'],
  ];
  for (const [command, option] of cases) {
    const { code, out, err } = await administer(dir, command, `--${option}`, '');
    assert.deepEqual([code, out], [2, ''], `${command} --${option}`);
    assert.ok(err.startsWith(`--${option} is empty\nusage: audit ${command} `), err);
  }
  const erased = await administer(dir, 'erase', '--user', 'user0', '--issuer=');
  assert.equal(erased.code, 2, 'which would be at every issuer');
  assert.equal((await administer(dir, 'hold', 'remove', '')).code, 2);
  const held = await administer(dir, 'hold', 'add', '--reason', 'x', '--api', '');
  assert.equal(held.code, 2);
  assert.throws(() => ledger.query({ since: '' }), { code: 'audit_query' });
  assert.deepEqual(queryLedger(dir, { kinds: ['export', 'admin-read', 'erase', 'hold'] }), {
    records: [],
  });
});

test('an option given twice is bad usage: the first would be dropped without a word', async (t) => {
  const dir = ledgerDir(t);
  await writeRequests(openLedger(t, dir), 3);
  for (const [option, argv] of [
    ['api', ['export', '--api', 'billing', '--api', 'legacy']],
    ['since', ['report', '--since=2026-11-01', '--since', '2026-11-01']],
    ['json', ['verify', '--json', '--json']],
    ['user', ['erase', '--user', 'user0', '--user', 'user1']],
    ['api', ['hold', 'add', '--reason', 'x', '--api', 'billing', '--api', 'legacy']],
  ] as const) {
    const { code, out, err } = await administer(dir, ...argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, new RegExp(`--${option} is given twice`));
  }
});

test('help names what can be done where it is asked for, and the command that it is asked of', async () => {
  const helpOf = async (administers: boolean, ...argv: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const code = await runAuditCommand(argv, { dir: 'nowhere', administers, stdout, stderr });
    stdout.end();
    assert.equal(code, 0);
    assert.equal(stderr.readableLength, 0);
    return (await text(stdout)).split('\n').map((line) => line.replace(/^usage: | {7}/, ''));
  };
  const commands = async (administers: boolean) =>
    (await helpOf(administers, '--help')).map((line) => line.split(' ')[1]);
  assert.deepEqual(await commands(false), ['verify', 'export', 'report', undefined]);
  assert.deepEqual(
    new Set(await commands(true)),
    new Set(['verify', 'export', 'report', 'erase', 'hold', 'rotate-key', undefined]),
  );
  assert.deepEqual(await helpOf(true, 'rotate-key', '-h'), ['audit rotate-key [--json]', '']);
  assert.equal((await helpOf(true, 'hold', '--help')).length, 4);
});

test('a hold of nobody whom the audit ever saw is kept, with a warning', async (t) => {
  const dir = ledgerDir(t);
  await writeRequests(openLedger(t, dir), 3);
  const hold = (...options: string[]) =>
    administer(dir, 'hold', 'add', '--reason', 'case 7', ...options);
  for (const [options, whom] of [
    [['--user', 'ghost'], 'user ghost'],
    [['--user', 'user0', '--issuer', 'https://other'], 'user user0 of https://other'],
    [['--api', 'bilingual'], 'api bilingual'],
  ] as const) {
    const { code, out, err } = await hold(...options, '--json');
    assert.equal(code, 0);
    const warning = `no record is of ${whom} so far: the hold is kept, and covers what may come`;
    assert.equal(err, `warning: ${warning}\n`);
    assert.deepEqual((JSON.parse(out) as { warnings: unknown }).warnings, [warning]);
    const again = await hold(...options);
    assert.match(again.err, /^warning: /, 'its own record is none of what it holds');
    assert.match(again.out, /^held: /);
  }
  for (const options of [['--user', 'user0'], ['--api', 'billing'], ['--all']]) {
    const { out, err } = await hold(...options, '--json');
    assert.equal(err, '');
    assert.match(out, /"warnings":\[\]/);
  }
});
