import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeTime } from 'ulid';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { recordable } from '../../audit/fields.ts';
import type { AuditFields } from '../../audit/record.ts';
import { serialize } from '../../audit/serialize.ts';
import { createUlids } from '../../audit/ulid.ts';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constant('a"\\\u0000\u007fé\ud800'),
);
const amount = fc.double({ noNaN: true, noDefaultInfinity: true });
const fields: fc.Arbitrary<AuditFields> = fc.record(
  {
    acr: text,
    api: text,
    authTime: amount,
    bytesIn: fc.nat(),
    bytesOut: amount,
    clientId: text,
    code: text,
    configHash: text,
    count: fc.nat(),
    detail: text,
    durationMs: amount,
    ip: text,
    issuer: text,
    method: text,
    path: text,
    requestId: text,
    rule: text,
    status: fc.constantFrom(-0, 0, 200),
    tokenId: text,
    tool: fc.record({ name: text, pid: fc.nat(), key: text }, { requiredKeys: [] }),
    traceId: text,
    upstream: text,
    user: text,
    userName: text,
  },
  { requiredKeys: [] },
);

test('a record is written byte for byte as canonical JSON would be', () => {
  fc.assert(
    fc.property(fields, fc.nat(), (given, seq) => {
      const known = recordable({ ...given, binding: 'dpop', decision: 'deny', closedBy: 'relay' });
      const content = {
        id: 'i',
        at: 'now',
        kind: 'request',
        side: 'relay',
        fields: known,
      } as const;
      const { fields: _, ...rest } = content;
      const present = Object.entries(known).filter(([, value]) => value !== undefined);
      const plain = canonicalJson({ ...Object.fromEntries(present), ...rest, seq, prev: 'p' });
      assert.equal(serialize(content, { seq, prev: 'p' }), plain);
    }),
    { numRuns: 2_000 },
  );
});

test('ids are ULIDs, ascend whatever the clock does, and never repeat', () => {
  const next = createUlids();
  const start = Date.parse('2026-11-24T00:00:00Z');
  let last = '';
  const seen = new Set<string>();
  for (let at = 0; at < 50_000; at++) {
    const id = next(start + Math.floor(at / 100) - (at % 7 === 0 ? 5 : 0));
    assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert.ok(id > last, `${id} after ${last}`);
    last = id;
    seen.add(id);
  }
  assert.equal(seen.size, 50_000);
  assert.equal(next(2 ** 48 - 1).slice(0, 10), '7ZZZZZZZZZ');
  assert.equal(decodeTime(createUlids()(start)), start);
});
