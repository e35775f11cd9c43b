import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHabitStore, habitsPath } from '../../audit/anomalies/habit-store.ts';
import { createHabits, learnHour } from '../../audit/anomalies/habits.ts';
import { erasePerson } from '../../audit/people/erase.ts';
import { buildReport } from '../../audit/report/report.ts';
import { allRecords } from './ledger-dir.ts';
import { openPastLedger } from './report-ledger.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const ADA = { issuer: 'https://idp.example.com', user: 'ada', userName: 'Ada Lovelace' };

test('whoever was erased has a pseudonym in reports, and no habits, even in a relay that runs', async (t) => {
  const ledger = openPastLedger(t);
  for (const hour of ['09', '10'])
    await ledger.request({
      at: `2026-11-25T${hour}:00:00Z`,
      ...ADA,
      ip: '192.0.2.7',
      api: 'billing',
      decision: 'allow',
      end: { status: 200, bytesOut: 5 },
    });
  await ledger.close();
  const who = (await allRecords(ledger.dir)).find(({ user }) => user === 'ada')?.who ?? '';
  assert.notEqual(who, '');
  const path = habitsPath(ledger.dir);
  const running = createHabitStore({ path, now: () => NOW, onError: assert.ifError });
  const habits = createHabits(NOW);
  learnHour(habits, NOW, 9);
  running.set(who, habits);
  running.save();

  const { erased } = await erasePerson({ dir: ledger.dir }, ADA);
  assert.deepEqual(erased, [who]);
  running.set(who, habits);
  running.close();
  const later = createHabitStore({ path, now: () => NOW, onError: assert.ifError });
  assert.equal(later.get(who), undefined);
  later.close();

  const report = buildReport(ledger.dir, {}, NOW);
  const [person, ...others] = report.people;
  assert.deepEqual(others, []);
  assert.equal(person?.user, who);
  assert.equal(person.userName, undefined);
  assert.equal(person.requests, 2);
  assert.equal(person.bytesOut, 10);
  assert.doesNotMatch(JSON.stringify(report), /ada|Ada|192\.0/);
});
