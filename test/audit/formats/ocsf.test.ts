import { Ajv } from 'ajv';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIT_KINDS, type AuditFields } from '../../../audit/record.ts';
import schema from '../../support/ocsf-1.5.0.json' with { type: 'json' };
import { ENDED, record, WHOLE, written } from './records.ts';

const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);

interface Event {
  readonly [name: string]: unknown;
  readonly activity_id: number;
  readonly class_uid: number;
  readonly type_uid: number;
  readonly status_id: number;
}

function valid(lines: readonly string[]): Event[] {
  return lines.map((line) => {
    const event = JSON.parse(line) as Event;
    assert.ok(validate(event), `${JSON.stringify(validate.errors)}\n${line}`);
    return event;
  });
}

test('every kind, with and without all its members, is an event of the schema', () => {
  for (const side of ['relay', 'app'] as const) {
    const records = AUDIT_KINDS.flatMap((kind) => [
      { ...record(kind), side },
      { ...record(kind, { ...WHOLE, ...ENDED, code: 'scope', count: 3, detail: 'told' }), side },
    ]);
    const events = valid(written('ocsf', ...records));
    for (const { class_uid: uid, activity_id: activity, type_uid: type } of events)
      assert.equal(type, uid * 100 + activity);
  }
});

test('the schema of the tests refuses what is not in the published one', () => {
  const [line = ''] = written('ocsf', record('request', WHOLE));
  const event = JSON.parse(line) as Event;
  const broken: Record<string, unknown>[] = [
    { ...event, surprise: 1 },
    { ...event, activity_id: 7 },
    { ...event, severity_id: 'Low' },
    { ...event, actor: {} },
    { ...event, src_endpoint: { port: 1 } },
    { ...event, http_request: { http_method: 'PATCH' } },
    { ...event, http_response: {} },
    { ...event, metadata: { version: '1.5.0' } },
    { ...event, class_uid: 3002 },
  ];
  for (const each of broken) assert.equal(validate(each), false, JSON.stringify(each));
  for (const name of schema.$defs.api_activity.required) {
    const { [name]: _, ...rest } = event;
    assert.equal(validate(rest), false, `without ${name}`);
  }
});

test('activity_id tells the method; a method that the schema does not name is in the operation', () => {
  const expected = { GET: 2, HEAD: 2, POST: 1, PUT: 3, PATCH: 3, DELETE: 4, PROPFIND: 99 };
  for (const [method, activity] of Object.entries(expected)) {
    const [event] = valid(written('ocsf', record('request', { ...WHOLE, method })));
    assert.equal(event?.activity_id, activity, method);
    assert.match(JSON.stringify(event?.['api']), new RegExp(`"operation":"${method} /invoices/7"`));
  }
});

test('an outcome tells the whole exchange: who, what, from where, how it ended', () => {
  const request = record('request', WHOLE);
  const events = valid(written('ocsf', request, record('outcome', ENDED)));
  const [first, second] = events;
  assert.equal(first?.status_id, 99);
  assert.equal(second?.status_id, 1);
  assert.equal(second?.activity_id, 2);
  assert.deepEqual(second?.['src_endpoint'], { ip: WHOLE.ip });
  assert.deepEqual(second?.['http_response'], { code: 200, body_length: 512, latency: 13 });
  const sent = second?.['http_request'] as { url: unknown } | undefined;
  assert.deepEqual(sent?.url, { path: '/invoices/7', query_string: 'page=2' });
  const metadata = events.map((event) => event['metadata'] as Record<string, unknown>);
  assert.deepEqual(
    metadata.map((each) => each['correlation_uid']),
    [WHOLE.requestId, WHOLE.requestId],
  );
  assert.equal(metadata[0]?.['original_time'], request.at);
  assert.equal(metadata[0]?.['sequence'], request.seq);
  // Alone, as where a receiver begins in the middle, it is an event as well.
  assert.equal(valid(written('ocsf', record('outcome', ENDED)))[0]?.activity_id, 0);
});

test('refusals are failures with their code, and nobody recognised is nobody', () => {
  const denied = { ...WHOLE, decision: 'deny', code: 'scope' } as const;
  const strangers = {
    requestId: 'r',
    ip: 'unix',
    code: 'token_missing',
    decision: 'deny',
  } as const;
  const [first, second] = valid(
    written('ocsf', record('request', denied), record('request', strangers)),
  );
  assert.equal(first?.status_id, 2);
  assert.equal(first?.['status_detail'], 'scope');
  const judged = first?.['actor'] as { authorizations: unknown } | undefined;
  assert.deepEqual(judged?.authorizations, [{ decision: 'denied', policy: { name: 'read' } }]);
  assert.deepEqual(second?.['src_endpoint'], { name: 'unix' });
  const actor = second?.['actor'] as Record<string, unknown>;
  assert.equal(actor['app_name'], 'unrecognised');
  assert.equal(actor['user'], undefined);
});

test('a sign-in at a time that the schema cannot tell leaves the time out', () => {
  const sessionOf = (fields: AuditFields): unknown => {
    const kinds = ['request', 'sign-in'] as const;
    const records = kinds.map((kind) => record(kind, { user: 'u', issuer: 'i', ...fields }));
    const [first, second] = valid(written('ocsf', ...records)).map(
      (event) => (event['actor'] as { session?: unknown }).session,
    );
    assert.deepEqual(first, second);
    return first;
  };
  for (const [authTime, time] of [
    [1_700_000_000.1234, 1_700_000_000_123],
    [1.005, 1005],
    [0, 0],
  ] as const)
    assert.deepEqual(sessionOf({ authTime }), { issuer: 'i', created_time: time });
  for (const authTime of [-5, -0.001, 1e13, 1e300]) {
    assert.equal(sessionOf({ authTime }), undefined, `${authTime}`);
    assert.deepEqual(sessionOf({ authTime, tokenId: 't' }), { uid: 't', issuer: 'i' });
  }
});

test('sign-ins are Authentication events', () => {
  const [signIn, signOut] = valid(
    written('ocsf', record('sign-in', WHOLE), record('sign-out', { detail: 'by session' })),
  );
  assert.deepEqual([signIn?.class_uid, signIn?.activity_id], [3002, 1]);
  assert.deepEqual([signOut?.class_uid, signOut?.activity_id], [3002, 2]);
});
