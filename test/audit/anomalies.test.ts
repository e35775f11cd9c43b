import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createHabitStore } from '../../audit/anomalies/habit-store.ts';
import { createHabits, learnHour } from '../../audit/anomalies/habits.ts';
import { createDetectorBench, DAY_MS, HOUR_MS, work } from './detector-bench.ts';

const ADA = { who: 'p-ada', issuer: 'https://idp.example.com', user: 'ada', ip: '192.0.2.7' };
const denied = (code: string) => ({ decision: 'deny', code }) as const;
const CURL = { tool: { name: 'curl' }, ip: '192.0.2.7' };

test('denials of a person: the 21st within 60 s, not the 20th, and once an hour', (t) => {
  const bench = createDetectorBench(t);
  const deny = () => bench.see({ ...ADA, ...denied('scope') });
  for (let i = 0; i < 20; i += 1) assert.deepEqual(deny(), []);
  bench.pass(59_999);
  assert.deepEqual(deny(), ['denials: 21 denials in 60 s, 20 allowed']);
  for (let i = 0; i < 50; i += 1) assert.deepEqual(deny(), []);
  bench.pass(HOUR_MS);
  for (let i = 0; i < 20; i += 1) assert.deepEqual(deny(), []);
  assert.equal(deny().length, 1);
});

test('denials that are 60 s old no longer count, nor do others', (t) => {
  const bench = createDetectorBench(t);
  for (let i = 0; i < 20; i += 1) bench.see({ ...ADA, ...denied('scope') });
  bench.pass(60_000);
  assert.deepEqual(bench.see({ ...ADA, ...denied('scope') }), []);
  for (let i = 0; i < 100; i += 1) {
    for (const code of ['dpop_nonce', 'step_up', 'draining', 'issuer_unavailable', 'no_upstream'])
      assert.deepEqual(bench.see({ ...ADA, ...denied(code) }), []);
    assert.deepEqual(
      bench.see({ ...ADA, who: `p-${i}`, ip: `198.51.100.${i}`, ...denied('scope') }),
      [],
    );
  }
});

test('denials from an address, strangers counted together, whatever a record stands for', (t) => {
  const bench = createDetectorBench(t);
  const flood = (count: number) =>
    bench.see({ ip: '192.0.2.9', ...denied('token_missing'), count });
  assert.deepEqual(flood(100), []);
  assert.deepEqual(flood(3), ['sourceDenials: 103 denials from this address in 60 s, 100 allowed']);
  assert.deepEqual(flood(500), []);
});

test('tokens without their key: the third within ten minutes', (t) => {
  const bench = createDetectorBench(t);
  const show = (code: string) => bench.see({ ip: '192.0.2.9', ...denied(code) });
  assert.deepEqual(show('dpop_proof'), []);
  assert.deepEqual(show('token_expired'), []);
  assert.deepEqual(show('token_binding'), []);
  bench.pass(599_999);
  assert.deepEqual(show('dpop_proof'), [
    'tokenReplay: 3 tokens shown without their key in 600 s, 2 allowed',
  ]);
});

test('a new tool, once a person is known for 14 days', (t) => {
  const bench = createDetectorBench(t);
  const use = (name: string) =>
    bench
      .see({ ...ADA, decision: 'allow', tool: { name } })
      .filter((it) => it.startsWith('newTool'));
  assert.deepEqual(work(bench, { ...ADA, ...CURL }, 1), []);
  assert.deepEqual(use('psql'), []);
  assert.deepEqual(work(bench, { ...ADA, ...CURL }, 1), []);
  assert.deepEqual(use('psql'), []);
  assert.deepEqual(use('ncat'), ['newTool: a tool not used before; 2 known from 14 days']);
  assert.deepEqual(use('ncat'), []);
  assert.deepEqual(use('socat'), [], 'one alert in the quiet time');
  bench.pass(HOUR_MS);
  assert.deepEqual(use('socat'), []);
  assert.equal(use('nmap').length, 1);
});

test('a client id stands for the tool where no tool is told', (t) => {
  const bench = createDetectorBench(t);
  work(bench, { ...ADA, clientId: 'latchkey-desktop' }, 2);
  const found = bench.see({ ...ADA, decision: 'allow', clientId: 'other-client' });
  assert.deepEqual(found, ['newTool: a tool not used before; 1 known from 14 days']);
});

test('a new network is another /24, or /48', (t) => {
  const bench = createDetectorBench(t);
  const from = (ip: string) => bench.see({ ...ADA, decision: 'allow', ip });
  work(bench, { ...ADA, ip: '2001:db8:1:2::3' }, 1);
  work(bench, ADA, 1);
  assert.deepEqual(from('192.0.2.200'), []);
  assert.deepEqual(from('::ffff:192.0.2.201'), []);
  assert.deepEqual(from('2001:db8:1:ffff::1'), []);
  assert.deepEqual(from('192.0.3.7'), [
    'newNetwork: a network not used before; 2 known from 14 days',
  ]);
  bench.pass(HOUR_MS);
  assert.deepEqual(from('2001:db8:2::1').length, 1);
});

test('volume: more than five times the average of that hour of the week, at least 300', (t) => {
  const bench = createDetectorBench(t);
  assert.deepEqual(work(bench, ADA, 2, 100), []);
  const more = (count: number) => bench.see({ ...ADA, decision: 'allow', count });
  assert.deepEqual(more(500), []);
  assert.deepEqual(more(1), [
    'volume: 501 requests in the hour from Mon 09:00 UTC, 100 usual, 500 allowed',
  ]);
  assert.deepEqual(more(1), []);
  const few = createDetectorBench(t);
  work(few, ADA, 2, 2);
  assert.deepEqual(few.see({ ...ADA, decision: 'allow', count: 300 }), []);
  assert.deepEqual(few.see({ ...ADA, decision: 'allow' }), [
    'volume: 301 requests in the hour from Mon 09:00 UTC, 2 usual, 300 allowed',
  ]);
});

test('the average is that of the last weeks, hours without requests among them', (t) => {
  const bench = createDetectorBench(t);
  work(bench, ADA, 1, 400);
  work(bench, ADA, 1, 200);
  bench.pass(7 * DAY_MS);
  // (400 + 200 + 0) / 3
  assert.deepEqual(bench.see({ ...ADA, decision: 'allow', count: 1001 }), [
    'volume: 1001 requests in the hour from Mon 09:00 UTC, 200 usual, 1000 allowed',
  ]);
});

test('an unusual hour: a weekday, or a time of day, without activity for 28 days', (t) => {
  const bench = createDetectorBench(t);
  const at = (iso: string) => {
    bench.goTo(iso);
    return bench.see({ ...ADA, decision: 'allow' });
  };
  work(bench, ADA, 2);
  assert.deepEqual(at('2026-11-17T08:00:00Z'), []);
  assert.deepEqual(at('2026-11-17T19:30:00Z'), [
    'unusualHour: Tue 19:00 UTC: not active near this time of day in the last 28 days',
  ]);
  assert.deepEqual(at('2026-11-17T20:40:00Z'), [], 'near what is known by now');
  assert.deepEqual(at('2026-11-21T10:00:00Z'), [
    'unusualHour: Sat 10:00 UTC: not active on this weekday in the last 28 days',
  ]);
  assert.deepEqual(at('2026-11-28T10:00:00Z'), []);
});

test('hours are those of the time zone that is set', (t) => {
  const bench = createDetectorBench(t, { timezone: 'Asia/Tokyo' });
  work(bench, ADA, 2);
  bench.goTo('2026-11-17T19:30:00Z');
  assert.match(bench.see({ ...ADA, decision: 'allow' })[0] ?? '', /Wed 04:00 Asia\/Tokyo/);
});

test('a person of whom little is known is left alone', (t) => {
  const bench = createDetectorBench(t);
  bench.see({ ...ADA, ...CURL, decision: 'allow' });
  bench.pass(13 * DAY_MS);
  // 14 days, but active on four of them only.
  for (let day = 0; day < 3; day += 1) {
    assert.deepEqual(bench.see({ ...ADA, ...CURL, decision: 'allow' }), []);
    bench.pass(DAY_MS);
  }
  bench.pass(10 * HOUR_MS);
  const strange = { ...ADA, decision: 'allow', tool: { name: 'x' }, ip: '10.0.0.1' } as const;
  assert.deepEqual(bench.see({ ...strange, count: 100_000 }), []);
});

test('a clock that is set raises nothing about hours, and bursts are counted by the steady one', (t) => {
  const bench = createDetectorBench(t);
  work(bench, ADA, 2);
  bench.see({ ...ADA, decision: 'allow' });
  for (const iso of ['2026-11-16T23:00:00Z', '2026-11-15T03:00:00Z', '2027-03-07T03:00:00Z']) {
    bench.setClock(iso);
    assert.deepEqual(bench.see({ ...ADA, decision: 'allow', count: 10_000 }), [], iso);
    bench.pass(30 * 60_000);
    assert.deepEqual(bench.see({ ...ADA, decision: 'allow', count: 10_000 }), [], iso);
  }
  bench.setClock('2026-11-16T10:30:00Z');
  assert.deepEqual(bench.see({ ...ADA, decision: 'allow' }), []);
  bench.pass(HOUR_MS);
  assert.deepEqual(bench.see({ ...ADA, decision: 'allow' }), [], 'nothing was forgotten meanwhile');
  for (let i = 0; i < 20; i += 1) bench.see({ ...ADA, ...denied('scope') });
  bench.setClock('2026-11-16T06:00:00Z');
  assert.deepEqual(bench.see({ ...ADA, ...denied('scope') }).length, 1);
});

test('an alert dated after a clock that was set back does not silence the rule for long', (t) => {
  const bench = createDetectorBench(t);
  work(bench, { ...ADA, ...CURL }, 2);
  const use = (name: string) =>
    bench
      .see({ ...ADA, decision: 'allow', tool: { name } })
      .filter((it) => it.startsWith('newTool'));
  bench.setClock('2027-11-16T09:00:00Z');
  assert.equal(use('a').length, 1);
  bench.setClock('2026-11-16T09:00:00Z');
  assert.equal(use('b').length, 1);
  assert.equal(use('c').length, 0);
});

test('what was learned survives a restart; a quiet time does, too', (t) => {
  const bench = createDetectorBench(t);
  work(bench, { ...ADA, ...CURL }, 2, 100);
  bench.restart();
  assert.deepEqual(bench.see({ ...ADA, ...CURL, decision: 'allow' }), []);
  assert.deepEqual(bench.see({ ...ADA, tool: { name: 'ncat' }, decision: 'allow', count: 500 }), [
    'newTool: a tool not used before; 1 known from 14 days',
    'volume: 501 requests in the hour from Mon 09:00 UTC, 100 usual, 500 allowed',
  ]);
  bench.restart();
  assert.deepEqual(
    bench.see({ ...ADA, tool: { name: 'psql' }, decision: 'allow', count: 500 }),
    [],
  );
});

test('who was erased is forgotten, also in the file', (t) => {
  const bench = createDetectorBench(t);
  work(bench, { ...ADA, ...CURL }, 2);
  bench.restart();
  assert.notEqual(bench.store.get('p-ada'), undefined);
  bench.see({ who: 'p-ada' }, 'erase');
  assert.equal(bench.store.get('p-ada'), undefined);
  bench.restart();
  assert.equal(bench.store.get('p-ada'), undefined);
});

test('rules that are off say and learn nothing; other kinds of records are not looked at', (t) => {
  const bench = createDetectorBench(t, { rules: {} });
  work(bench, { ...ADA, ...CURL }, 2);
  const strange = { ...ADA, tool: { name: 'x' }, ip: '10.0.0.1', count: 10_000 };
  bench.pass(12 * HOUR_MS);
  assert.deepEqual(bench.see({ ...strange, ...denied('token_binding') }), []);
  const other = createDetectorBench(t);
  work(other, { ...ADA, ...CURL }, 2);
  other.pass(12 * HOUR_MS);
  for (const kind of ['outcome', 'anomaly', 'sign-out', 'interrupted'] as const)
    assert.deepEqual(other.see({ ...strange, ...denied('token_binding') }, kind), []);
});

test('100,000 people pass through a memory for 1,000; the file knows the rest', (t) => {
  const bench = createDetectorBench(t, { remembered: 1000 });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  for (let i = 0; i < 100_000; i += 1) {
    bench.see({ ...ADA, ...CURL, who: `p-${i}`, decision: i % 2 ? 'allow' : 'deny' });
  }
  const moreBytes = used() - before;
  const fileBytes = statSync(bench.path).size;
  t.diagnostic(`memory ${moreBytes >> 20} MiB more, file ${fileBytes >> 20} MiB`);
  // All of them would take 150 MiB and more.
  assert.ok(moreBytes < 60 * 2 ** 20, `${moreBytes} bytes more`);
  assert.notEqual(bench.store.get('p-0'), undefined);
  assert.notEqual(bench.store.get('p-99999'), undefined);
});

test('a damaged file is begun anew, and said', (t) => {
  const bench = createDetectorBench(t);
  bench.restart();
  const path = `${bench.path}.damaged`;
  writeFileSync(path, 'not a database at all, but long enough to be looked at as one'.repeat(20));
  const errors: unknown[] = [];
  const store = createHabitStore({ path, now: bench.now, onError: (error) => errors.push(error) });
  const habits = createHabits(bench.now());
  learnHour(habits, bench.now(), 9);
  store.set('p-ada', habits);
  store.close();
  assert.equal(errors.length, 1);
  const again = createHabitStore({ path, now: bench.now, onError: (error) => errors.push(error) });
  assert.notEqual(again.get('p-ada'), undefined);
  again.close();
});
