import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditFields, AuditRecord } from '../../audit/record.ts';
import { createCollector } from '../../audit/report/collect.ts';
import { readPeriod } from '../../audit/report/period.ts';
import { createQuantiles } from '../../audit/report/quantiles.ts';
import { buildReport } from '../../audit/report/report.ts';
import { createWeekClock, slotName } from '../../audit/week-clock.ts';
import { allRecords } from './ledger-dir.ts';
import { openPastLedger, type PastRequest } from './report-ledger.ts';

const UNTIL = Date.parse('2026-11-29T12:00:00Z');
const DAY = 86_400_000;
const START = UNTIL - 40 * DAY;

const maybe = <T>(from: fc.Arbitrary<T>) => fc.option(from, { nil: undefined });
const end: fc.Arbitrary<AuditFields> = fc.record(
  {
    status: fc.constantFrom(200, 403, 502, 504),
    code: fc.constantFrom('scope', 'upstream_timeout'),
    bytesIn: fc.nat(1000),
    bytesOut: fc.nat(1000),
    durationMs: fc.nat(120),
  },
  { requiredKeys: [] },
);
const request = fc.record({
  offset: fc.nat(40 * DAY - 1),
  user: maybe(fc.constantFrom('ada', 'bob', 'eve')),
  issuer: fc.constantFrom('https://a.example', 'https://b.example'),
  api: maybe(fc.constantFrom('billing', 'legacy')),
  tool: maybe(fc.constantFrom({ name: 'curl' }, { name: 'psql' })),
  decision: fc.constantFrom('allow', 'deny'),
  count: maybe(fc.integer({ min: 1, max: 9 })),
  end: maybe(end),
});
type Made = typeof request extends fc.Arbitrary<infer T> ? T : never;

function toRequest({ offset, user, issuer, api, tool, decision, count, end }: Made): PastRequest {
  return {
    at: new Date(START + offset).toISOString(),
    decision,
    ...(user === undefined ? {} : { user, issuer }),
    ...(api === undefined ? {} : { api }),
    ...(tool === undefined ? {} : { tool }),
    ...(count === undefined ? {} : { count }),
    ...(decision === 'deny' ? { code: 'scope' } : {}),
    ...(end === undefined ? {} : { end }),
  };
}

const sum = (records: readonly AuditRecord[], of: (record: AuditRecord) => number): number =>
  records.reduce((total, record) => total + of(record), 0);

/** The same figures, each by looking through all records again. */
function naive(records: readonly AuditRecord[], belongs: (record: AuditRecord) => boolean) {
  const of = records.filter(belongs);
  const requests = of.filter(({ kind }) => kind === 'request');
  const ends = of.filter(({ kind, decision }) => kind === 'outcome' && decision === 'allow');
  const outcomes = of.filter(({ kind }) => kind === 'outcome');
  const later = ends.filter(({ code, status = 0 }) => code !== undefined && status < 500);
  const total = sum(requests, ({ count = 1 }) => count);
  const denied =
    sum(requests, ({ decision, count = 1 }) => (decision === 'deny' ? count : 0)) + later.length;
  const errors = ends.filter(({ status = 0 }) => status >= 500).length;
  return {
    requests: total,
    allowed: Math.max(0, total - denied),
    denied,
    errors,
    errorRate: ends.length === 0 ? 0 : errors / ends.length,
    bytesIn: sum(outcomes, ({ bytesIn = 0 }) => bytesIn),
    bytesOut: sum(outcomes, ({ bytesOut = 0 }) => bytesOut),
    interrupted: 0,
  };
}

test('a report says what looking through all records says', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 40 }), async (made) => {
      const ledger = openPastLedger(t, 'relay', { segmentRecords: 20 });
      const inOrder = made.toSorted((a, b) => a.offset - b.offset).map(toRequest);
      // A few at a time, so that outcomes come before later requests, and after some.
      for (let at = 0; at < inOrder.length; at += 5)
        await Promise.all(inOrder.slice(at, at + 5).map((it) => ledger.request(it)));
      await ledger.close();
      const all = await allRecords(ledger.dir);
      const since = new Date(UNTIL - 7 * DAY).toISOString();
      const historyMs = UNTIL - 35 * DAY;
      const present = all.filter(({ at }) => at >= since);
      const past = all.filter(({ at }) => at < since && Date.parse(at) >= historyMs);
      const found = buildReport(ledger.dir, {}, UNTIL);

      const { people, unidentified, signIns, signOuts, durationMs, ...totals } = found.totals;
      assert.deepEqual(
        totals,
        naive(present, () => true),
      );
      const anonymous = present.filter(
        ({ kind, user }) => kind === 'request' && user === undefined,
      );
      assert.equal(
        unidentified,
        sum(anonymous, ({ count = 1 }) => count),
      );
      assert.deepEqual([signIns, signOuts], [0, 0]);
      const durations = present
        .filter(
          ({ kind, decision, durationMs }) =>
            kind === 'outcome' && decision === 'allow' && durationMs !== undefined,
        )
        .map(({ durationMs = 0 }) => durationMs)
        .toSorted((a, b) => a - b);
      const at = (p: number) => durations[Math.max(1, Math.ceil(p * durations.length)) - 1];
      assert.deepEqual(durationMs, durations.length === 0 ? null : { p50: at(0.5), p95: at(0.95) });

      for (const {
        issuer,
        user,
        requests,
        allowed,
        denied,
        errors,
        errorRate,
        bytesIn,
        bytesOut,
        interrupted,
      } of found.people) {
        const theirs = naive(present, (record) => record.user === user && record.issuer === issuer);
        assert.deepEqual(
          { requests, allowed, denied, errors, errorRate, bytesIn, bytesOut, interrupted },
          theirs,
        );
      }
      const names = new Set(
        present
          .filter(({ kind, user }) => kind === 'request' && user !== undefined)
          .map(({ issuer, user }) => `${issuer} ${user}`),
      );
      assert.equal(people, names.size);
      for (const { api, requests, denied, bytesOut } of found.apis) {
        const its = naive(present, (record) => record.api === api);
        assert.deepEqual([requests, denied, bytesOut], [its.requests, its.denied, its.bytesOut]);
      }
      const uses = present.filter(
        ({ kind, decision, user, api }) =>
          kind === 'request' && decision === 'allow' && user !== undefined && api !== undefined,
      );
      const isSame = (a: AuditRecord, b: AuditRecord) =>
        a.user === b.user && a.issuer === b.issuer && a.api === b.api;
      const firsts = uses.filter(
        (use, index) =>
          !uses.slice(0, index).some((earlier) => isSame(earlier, use)) &&
          !past.some(
            (earlier) =>
              earlier.kind === 'request' && earlier.decision === 'allow' && isSame(earlier, use),
          ),
      );
      assert.deepEqual(
        found.firstUses
          .map(({ at, issuer, user, api }) => `${at} ${issuer} ${user} ${api}`)
          .toSorted(),
        firsts.map(({ at, issuer, user, api }) => `${at} ${issuer} ${user} ${api}`).toSorted(),
      );
    }),
    { numRuns: 10 },
  );
});

test('quantiles are exact below 128 and within 1.6 % above', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(10_000_000), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.95, 1),
      (values, p) => {
        const quantiles = createQuantiles();
        for (const value of values) quantiles.add(value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(p * values.length) - 1] ?? -1;
        const found = quantiles.at(p) ?? Number.NaN;
        if (exact < 128) assert.equal(found, exact);
        else assert.ok(found <= exact && found >= exact * (1 - 1 / 64), `${found} for ${exact}`);
      },
    ),
  );
});

test('the hours of a week are those that the zone shows, also where its clocks change', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns'),
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      (timezone, ms) => {
        const shown = new Date(ms).toLocaleString('en-GB', {
          timeZone: timezone,
          weekday: 'short',
          hour: '2-digit',
        });
        const clock = createWeekClock(timezone);
        assert.equal(slotName(clock.slotOf(ms)).replace(':00', ''), shown.replace(',', ''));
        const hours = clock.hoursIn(ms, ms + 28 * DAY);
        assert.ok(Math.abs(hours.reduce((a, b) => a + b) - 672) < 1e-6);
      },
    ),
  );
});

test('memory grows with people, APIs and tools, not with records', () => {
  const period = readPeriod({}, UNTIL);
  const { take, collected } = createCollector(period, createWeekClock('UTC'));
  for (let i = 0; i < 200_000; i += 1) {
    const common = {
      seq: i,
      id: String(i),
      at: new Date(UNTIL - DAY + i).toISOString(),
      side: 'relay',
      requestId: `r${i >> 1}`,
      user: `u${(i >> 1) % 50}`,
      api: 'billing',
      decision: 'allow',
      hash: '',
      prev: '',
    } as const;
    if (i % 2 === 0) take({ ...common, kind: 'request', tool: { name: `invented ${i}` } });
    else take({ ...common, kind: 'outcome', status: 200, durationMs: i });
  }
  assert.equal(collected.people.size, 50);
  assert.equal(collected.tools.size, 10_001);
  assert.equal(collected.tools.get('others')?.tally.requests, 90_000);
  for (const { tools, slots } of collected.people.values()) {
    assert.ok(tools.size <= 1001);
    assert.ok(slots.size <= 168);
  }
});
