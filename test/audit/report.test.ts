import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildReport, type ReportOptions } from '../../audit/report/report.ts';
import type { Report } from '../../audit/report/shape.ts';
import { openPastLedger } from './report-ledger.ts';

const ISSUER = 'https://idp.example.com';
const ADA = { issuer: ISSUER, user: 'ada', userName: 'Ada Lovelace' };
const BOB = { issuer: ISSUER, user: 'bob' };
const OK = { status: 200, bytesIn: 10, bytesOut: 100, durationMs: 5 };
/** A Sunday. */
const NOW = Date.parse('2026-11-29T12:00:00Z');
const report = (dir: string, options: ReportOptions = {}): Report => buildReport(dir, options, NOW);

test('the last seven days, figure by figure', async (t) => {
  const ledger = openPastLedger(t, 'relay', { segmentRecords: 5 });
  const allow = { decision: 'allow', api: 'billing', tool: { name: 'curl' } } as const;
  await ledger.request({ at: '2026-11-22T11:59:59Z', ...ADA, ...allow, end: OK });
  await ledger.request({ at: '2026-11-22T12:00:00Z', ...ADA, ...allow, end: OK });
  await ledger.request({
    at: '2026-11-24T09:00:00Z',
    ...ADA,
    ...allow,
    tool: { name: 'psql' },
    end: { status: 502, code: 'upstream_unreachable', durationMs: 200 },
  });
  const denied = { ...BOB, decision: 'deny', clientId: 'desktop' } as const;
  await ledger.request({
    at: '2026-11-24T10:00:00Z',
    ...denied,
    api: 'legacy',
    code: 'scope',
    end: { status: 403, code: 'scope', bytesOut: 30, durationMs: 1 },
  });
  await ledger.request({
    at: '2026-11-25T10:00:00Z',
    decision: 'deny',
    code: 'token_missing',
    ip: '192.0.2.9',
    count: 40,
    end: { status: 401, code: 'token_missing', bytesOut: 30 },
  });
  await ledger.append('2026-11-26T10:00:00Z', 'interrupted', {
    requestId: 'r9',
    ...ADA,
    api: 'billing',
  });
  await ledger.append('2026-11-26T11:00:00Z', 'sign-out', ADA);
  await ledger.append('2026-11-26T12:00:00Z', 'anomaly', {
    ...BOB,
    rule: 'denials',
    detail: '21 denials in 60 s, 20 allowed',
  });
  await ledger.request({ at: '2026-11-29T12:00:00Z', ...ADA, ...allow, end: OK });

  const found = report(ledger.dir);
  assert.deepEqual(found.sides, ['relay']);
  assert.deepEqual(found.period, {
    since: '2026-11-22T12:00:00.000Z',
    until: '2026-11-29T12:00:00.000Z',
    timezone: 'UTC',
  });
  assert.deepEqual(found.totals, {
    requests: 43,
    allowed: 2,
    denied: 41,
    errors: 1,
    errorRate: 0.5,
    bytesIn: 10,
    bytesOut: 160,
    interrupted: 1,
    people: 2,
    unidentified: 40,
    signIns: 0,
    signOuts: 1,
    durationMs: { p50: 5, p95: 200 },
  });
  assert.deepEqual(found.people, [
    {
      ...ADA,
      requests: 2,
      allowed: 2,
      denied: 0,
      errors: 1,
      errorRate: 0.5,
      bytesIn: 10,
      bytesOut: 100,
      interrupted: 1,
      signIns: 0,
      usual: null,
      apis: [{ api: 'billing', requests: 2 }],
      tools: [
        { tool: 'curl', requests: 1 },
        { tool: 'psql', requests: 1 },
      ],
    },
    {
      ...BOB,
      requests: 1,
      allowed: 0,
      denied: 1,
      errors: 0,
      errorRate: 0,
      bytesIn: 0,
      bytesOut: 30,
      interrupted: 0,
      signIns: 0,
      usual: null,
      apis: [{ api: 'legacy', requests: 1 }],
      tools: [{ tool: 'desktop', requests: 1 }],
    },
  ]);
  assert.deepEqual(
    found.apis.map(({ api, requests, denied, errors, people, interrupted, durationMs }) => [
      api,
      requests,
      denied,
      errors,
      people,
      interrupted,
      durationMs,
    ]),
    [
      ['billing', 2, 0, 1, 1, 1, { p50: 5, p95: 200 }],
      ['legacy', 1, 1, 0, 1, 0, null],
    ],
  );
  assert.deepEqual(
    found.tools.map(({ tool, requests, errors, bytesOut, people }) => [
      tool,
      requests,
      errors,
      bytesOut,
      people,
    ]),
    [
      ['curl', 1, 0, 100, 1],
      ['psql', 1, 1, 0, 1],
      ['desktop', 1, 0, 30, 1],
    ],
  );
  assert.deepEqual(found.denials, [
    { code: 'token_missing', count: 40, people: [], sources: [{ ip: '192.0.2.9', count: 40 }] },
    { code: 'scope', count: 1, people: [{ ...BOB, api: 'legacy', count: 1 }], sources: [] },
  ]);
  assert.deepEqual(found.firstUses, []);
  assert.deepEqual(found.anomalies, {
    byRule: [{ rule: 'denials', count: 1 }],
    newest: [
      {
        at: '2026-11-26T12:00:00.000Z',
        rule: 'denials',
        person: BOB,
        detail: '21 denials in 60 s, 20 allowed',
      },
    ],
  });
});

test("first uses: none in the 28 days before, an allowed request counts, a refused one doesn't", async (t) => {
  const ledger = openPastLedger(t);
  const use = (at: string, api: string, decision: 'allow' | 'deny' = 'allow') =>
    ledger.request({ at, ...ADA, api, decision });
  await use('2026-10-25T11:59:59Z', 'long-ago');
  await use('2026-10-25T12:00:00Z', 'known');
  await use('2026-11-22T11:59:59Z', 'denied-before', 'deny');
  await use('2026-11-22T12:00:00Z', 'long-ago');
  await use('2026-11-22T12:00:01Z', 'known');
  await use('2026-11-22T12:00:02Z', 'denied-before');
  await use('2026-11-23T12:00:00Z', 'refused', 'deny');
  await use('2026-11-24T12:00:00Z', 'new');
  await use('2026-11-25T12:00:00Z', 'new');
  await ledger.request({ at: '2026-11-26T12:00:00Z', ...BOB, api: 'known', decision: 'allow' });
  assert.deepEqual(
    report(ledger.dir).firstUses.map(({ at, user, api }) => `${at.slice(0, 19)} ${user} ${api}`),
    [
      '2026-11-22T12:00:00 ada long-ago',
      '2026-11-22T12:00:02 ada denied-before',
      '2026-11-24T12:00:00 ada new',
      '2026-11-26T12:00:00 bob known',
    ],
  );
});

test('unusual hours and usual volume come from the 28 days before, once there is enough of them', async (t) => {
  const ledger = openPastLedger(t);
  const at = (iso: string, person = ADA as typeof BOB, count = 1) =>
    ledger.request({ at: iso, ...person, api: 'billing', decision: 'allow', count });
  // Monday to Friday, 9:30, ten requests, for four weeks; Bob for four days only.
  for (let day = 0; day < 28; day += 1) {
    const date = new Date(Date.parse('2026-10-26T09:30:00Z') + day * 86_400_000);
    const weekday = date.getUTCDay();
    if (weekday === 0 || weekday === 6 || date.getTime() >= Date.parse('2026-11-22')) continue;
    await at(date.toISOString(), ADA, 10);
    if (day >= 22) await at(date.toISOString(), BOB);
  }
  await at('2026-11-23T09:45:00Z', ADA, 30);
  await at('2026-11-24T10:59:00Z');
  await at('2026-11-25T11:00:00Z');
  await at('2026-11-25T11:30:00Z');
  await at('2026-11-28T09:00:00Z');
  await at('2026-11-28T03:00:00Z', BOB);
  const options = { since: '2026-11-23', until: '2026-11-29' };
  const found = report(ledger.dir, options);
  assert.deepEqual(found.unusualHours, [
    { ...ADA, at: '2026-11-25T11:00:00.000Z', hour: 'Wed 11:00', requests: 2, because: 'hour' },
    { ...ADA, at: '2026-11-28T09:00:00.000Z', hour: 'Sat 09:00', requests: 1, because: 'weekday' },
  ]);
  assert.deepEqual(
    found.people.map(({ user, requests, usual }) => [user, requests, usual]),
    [
      ['ada', 34, 50],
      ['bob', 1, null],
    ],
  );
  // In Tokyo the same mornings are evenings, and Sunday's first hours are still Saturday's here.
  const tokyo = report(ledger.dir, { ...options, timezone: 'Asia/Tokyo' });
  assert.deepEqual(
    tokyo.unusualHours.map(({ hour }) => hour),
    ['Wed 20:00', 'Sat 18:00'],
  );
});

test('sign-ins: the relay tells them by newer auth_time, the app by its records', async (t) => {
  const relay = openPastLedger(t);
  const seconds = (iso: string): number => Date.parse(iso) / 1000;
  const [before, first, second] = [
    seconds('2026-11-20T08:00:00Z'),
    seconds('2026-11-23T08:00:00Z'),
    seconds('2026-11-24T08:00:00Z'),
  ];
  for (const [day, authTime] of [
    ['23', before],
    ['23', first],
    ['24', first],
    ['24', second],
    ['25', first],
  ] as const)
    await relay.request({ at: `2026-11-${day}T09:00:00Z`, ...ADA, authTime, decision: 'allow' });
  assert.equal(report(relay.dir).people[0]?.signIns, 2);

  const app = openPastLedger(t, 'app');
  await app.append('2026-11-24T08:00:00Z', 'sign-in', ADA);
  await app.append('2026-11-24T09:00:00Z', 'sign-in', { ...ADA, decision: 'deny' });
  await app.request({
    at: '2026-11-24T09:01:00Z',
    user: 'ada',
    authTime: first,
    decision: 'allow',
  });
  const { people, totals } = report(app.dir);
  assert.equal(people.length, 1);
  assert.deepEqual(people[0]?.signIns, 1);
  assert.equal(totals.signIns, 1);
});

test("the app's side: what the relay refused is denied, by tool and by reason", async (t) => {
  const app = openPastLedger(t, 'app');
  const call = { user: 'ada', decision: 'allow', api: 'billing', tool: { name: 'curl' } } as const;
  await app.request({ at: '2026-11-24T09:00:00Z', ...call, end: { status: 200 } });
  await app.request({
    at: '2026-11-24T09:01:00Z',
    ...call,
    end: { status: 403, code: 'scope' },
  });
  await app.request({
    at: '2026-11-24T09:02:00Z',
    ...call,
    end: { status: 502, code: 'relay_unreachable' },
  });
  await app.request({
    at: '2026-11-24T09:03:00Z',
    decision: 'deny',
    code: 'tool_key',
    tool: { name: 'evil' },
    end: { status: 403 },
  });
  const { totals, tools, denials } = report(app.dir);
  assert.deepEqual([totals.requests, totals.allowed, totals.denied, totals.errors], [4, 2, 2, 1]);
  assert.deepEqual(
    tools.map(({ tool, requests, denied, errors }) => [tool, requests, denied, errors]),
    [
      ['curl', 3, 1, 1],
      ['evil', 1, 1, 0],
    ],
  );
  const people = Object.fromEntries(denials.map(({ code, people }) => [code, people.length]));
  assert.deepEqual(people, { tool_key: 0, scope: 1 });
});

test('filters narrow to a person and an API', async (t) => {
  const ledger = openPastLedger(t);
  for (const person of [ADA, BOB])
    for (const api of ['billing', 'legacy'])
      await ledger.request({
        at: '2026-11-24T09:00:00Z',
        ...person,
        api,
        decision: 'allow',
        end: OK,
      });
  const found = report(ledger.dir, { user: 'ada', api: 'legacy' });
  assert.deepEqual(found.filter, { user: 'ada', api: 'legacy' });
  assert.equal(found.totals.requests, 1);
  assert.deepEqual(
    found.people.map(({ user, apis }) => [user, apis.length]),
    [['ada', 1]],
  );
});

test('what cannot be understood is refused with what to do', (t) => {
  const { dir } = openPastLedger(t);
  const cases: [ReportOptions, RegExp][] = [
    [{ since: 'yesterday' }, /since must be a day or an RFC 3339 time/],
    [{ until: '2026-13-01' }, /until must be/],
    [{ since: '2026-11-24', until: '2026-11-24' }, /the period is empty/],
    [{ timezone: 'Mars/Olympus' }, /no time zone Mars\/Olympus: use UTC or a name/],
  ];
  for (const [options, message] of cases)
    assert.throws(() => report(dir, options), { code: 'audit_query', message });
  assert.throws(() => report(`${dir}/none`), { code: 'audit_config' });
});
