import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RULES } from '../../audit/anomalies/rules.ts';
import { AUDIT_KINDS, type ClosedBy } from '../../audit/record.ts';
import type { ActivityRecord } from '../../ui/activity-record.ts';
import { closedWords, eventWords } from '../../ui/event-words.ts';

type Told = Partial<ActivityRecord> & Pick<ActivityRecord, 'kind'>;

const say = (record: Told): string =>
  eventWords({ seq: 1, at: '2026-11-23T10:00:00.000Z', ...record });
const relay = (kind: string, more: Partial<ActivityRecord> = {}): string =>
  say({ kind, side: 'relay', ...more });
const read = (detail: unknown, count = 1): string =>
  relay('admin-read', { detail: JSON.stringify(detail), count });

describe('every record is told in a sentence', () => {
  for (const kind of AUDIT_KINDS) {
    test(`${kind}, with no more than its kind, by the app and by the relay`, () => {
      for (const side of ['app', 'relay'] as const) {
        const sentence = say({ kind, side });
        assert.doesNotMatch(sentence, /no words for/u);
        assert.match(sentence, /^\p{Lu}\p{L}* .*\p{L}$/u);
        assert.doesNotMatch(sentence, /undefined|null|[{}[\]"]|NaN| {2}/u);
      }
    });
  }

  test('a kind of a later version is named as it is', () => {
    assert.equal(
      say({ kind: 'teleport', detail: 'to the moon' }),
      'Something that this version has no words for (teleport): to the moon',
    );
    assert.match(say({ kind: 'constructor' }), /no words for \(constructor\)$/u);
  });

  test('each way of ending an exchange has its own words', () => {
    const all: readonly ClosedBy[] = [
      'client',
      'upstream',
      'relay',
      'expiry',
      'revocation',
      'drain',
      'error',
    ];
    assert.equal(new Set([...all, 'unknown'].map(closedWords)).size, all.length + 1);
    assert.equal(closedWords(), 'Request ended');
    assert.equal(relay('outcome', { closedBy: 'expiry' }), 'Cut off: the access had expired');
  });

  test('each rule about anomalies has its own words; figures follow', () => {
    const sentences = [...RULES, 'forgery'].map((rule) => relay('anomaly', { rule }));
    assert.equal(new Set(sentences).size, sentences.length);
    assert.ok(sentences.every((sentence) => !/unusual, /u.test(sentence)));
    assert.equal(
      relay('anomaly', { rule: 'denials', detail: '30 denials in 60 s, 20 allowed' }),
      'Unusually many refusals of one person: 30 denials in 60 s, 20 allowed',
    );
    assert.equal(relay('anomaly', { rule: 'newMoon' }), 'Something unusual, newMoon');
  });
});

describe('reads of the audit', () => {
  test('say what was looked at', () => {
    assert.equal(read({ read: 'audit' }), 'Looked through the audit');
    assert.equal(read({ read: 'audit stream' }), 'Watched the audit live');
    assert.equal(read({ read: 'verify' }), 'Had the chain of the audit checked');
    assert.equal(
      read({ read: 'request', filter: { requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' } }),
      'Looked at request 01ARZ3NDEKTSV4RRFFQ69G5FAV',
    );
    for (const [minutes, past] of [
      [60, 'hour'],
      [1440, '24 hours'],
      [40_320, '28 days'],
    ] as const) {
      const sentence = read({ read: 'summary', filter: { minutes } });
      assert.equal(sentence, `Looked at the figures of the past ${past}`);
    }
    assert.match(relay('admin-read', { detail: 'revocations' }), /^Looked at the list of revoked/u);
    assert.equal(
      relay('admin-read', { detail: 'report by ann, of billing' }),
      'Had a report made of the audit, by ann, of billing',
    );
  });

  test('say by what they were narrowed, but not whose pseudonym it was', () => {
    const filter = {
      user: 'p_1234',
      api: 'billing',
      decision: 'deny',
      code: 'scope',
      kinds: ['request', 'outcome'],
      since: '2026-11-01',
      colour: 'green',
    };
    assert.equal(
      read({ read: 'audit', filter }),
      'Searched the audit: one person, API billing, what was refused, reason scope, kind request or outcome, from 2026-11-01, colour green',
    );
    assert.equal(read({ read: 'audit stream', filter: {} }), 'Watched the audit live');
  });

  test('say how often, once it was more than once', () => {
    assert.equal(read({ read: 'audit' }, 0), 'Looked through the audit');
    assert.equal(read({ read: 'audit' }, 1), 'Looked through the audit');
    assert.equal(read({ read: 'audit' }, 1200), 'Looked through the audit (1,200 times)');
  });

  test('of a later version, or broken, are given as they are', () => {
    assert.equal(read({ read: 'palm' }), 'Read the audit: {"read":"palm"}');
    assert.equal(relay('admin-read', { detail: '{"read":' }), 'Read the audit: {"read":');
    assert.equal(read({ read: 'summary' }), 'Looked at the figures of the past time');
    assert.equal(read({ read: 'audit', filter: 'all' }), 'Searched the audit');
  });
});

describe('what administrators do', () => {
  test('sign-ins to the console, given and refused, and sign-outs', () => {
    const detail = 'console';
    assert.equal(relay('sign-in', { detail, decision: 'allow' }), 'Signed in to the console');
    assert.equal(relay('sign-in', { detail, decision: 'deny' }), 'Sign-in to the console refused');
    assert.equal(relay('sign-out', { detail }), 'Signed out of the console');
    assert.equal(
      relay('sign-out', { detail: 'back-channel logout of one session' }),
      'Signed out: back-channel logout of one session',
    );
  });

  test('revocations name what was revoked, how many streams ended, and why', () => {
    const order = (kind: string, more: object = {}): string =>
      JSON.stringify({ by: 'admin', kind, ...more });
    assert.equal(
      relay('sign-out', { detail: order('sub', { reason: 'left' }), count: 1 }),
      'An administrator revoked every session of this person, 1 stream cut: left',
    );
    assert.equal(
      relay('sign-out', { detail: order('jti'), count: 0 }),
      'An administrator revoked one token',
    );
    assert.equal(relay('sign-out', { detail: order('moon') }), 'An administrator revoked access');
  });

  test('holds, erasures, expiries and exports', () => {
    const hold = (members: object, api?: string): string =>
      relay('hold', { detail: JSON.stringify(members), ...(api === undefined ? {} : { api }) });
    assert.equal(
      hold({ action: 'add', id: 'h1', of: 'user', reason: 'case 7' }),
      'Legal hold h1 set on one person: case 7',
    );
    assert.equal(
      hold({ action: 'remove', id: 'h1', of: 'api', reason: 'closed' }, 'billing'),
      'Legal hold h1 lifted from the API billing: closed',
    );
    assert.equal(hold({ of: 'all' }), 'Legal hold set on everything');
    assert.equal(
      hold({ action: 'add', id: 'h1', of: 'all', reason: 'case 7', by: 'root' }),
      'Legal hold h1 set on everything, by root: case 7',
    );
    assert.equal(
      relay('erase', { count: 2, detail: '{"by":"root"}' }),
      'A person was erased from 2 records, by root',
    );
    assert.equal(relay('erase', { count: 1 }), 'A person was erased from 1 record');
    assert.equal(relay('erase', { count: 1200 }), 'A person was erased from 1,200 records');
    assert.equal(
      relay('expire', { count: 2, detail: 'billing: 1, no api: 1' }),
      '2 old records deleted (billing: 1, no api: 1)',
    );
    const keys = { detail: 'keys of people without records' };
    assert.match(relay('expire', { ...keys, count: 1 }), /^Keys of 1 person without/u);
    assert.match(relay('expire', { ...keys, count: 3 }), /^Keys of 3 people without/u);
    assert.equal(
      relay('export', { detail: 'export as csv by ann, of billing' }),
      'Audit exported as csv by ann, of billing',
    );
  });

  test('configurations say why they came, and which protections they go without', () => {
    const config = (members: object): string =>
      relay('config', { detail: JSON.stringify(members) });
    assert.equal(
      config({ insecure: [], auditNotRequired: [], cause: 'start' }),
      'Configuration in effect as the relay started',
    );
    assert.equal(
      config({
        insecure: ['plainUpstream'],
        auditNotRequired: ['legacy', 'old'],
        auditSinks: ['siem: syslog'],
        cause: 'file',
        certificate: 'replaced',
      }),
      'Configuration reloaded, since a file changed; certificate replaced; insecure: plainUpstream; without required audit: legacy and old; audit sent to: siem: syslog',
    );
    assert.equal(config({ cause: 'moon' }), 'Configuration changed');
    assert.equal(
      config({ cause: 'rotate-key', by: 'root', keys: 2, unreadable: 0, holds: 0 }),
      'Master key of the people in the audit exchanged',
    );
  });
});

describe('what the app records', () => {
  test('keys by their names, and what they open', () => {
    const detail = 'key made key_0123456789ab: billing; read only';
    assert.equal(
      say({ kind: 'config', detail, toolKey: 'Nightly' }),
      'Tool key “Nightly” made: billing; read only',
    );
    assert.equal(
      say({ kind: 'config', detail: detail.replace('made', 'revoked') }),
      'Tool key key_0123456789ab revoked: billing; read only',
    );
    assert.equal(say({ kind: 'config', detail: 'port' }), 'Settings changed: port');
  });

  test('stronger sign-ins that succeeded and that did not; outages', () => {
    const detail = 'asked for max_age 300';
    assert.equal(
      say({ kind: 'step-up', decision: 'allow', detail }),
      'Confirmed with a stronger sign-in: asked for max_age 300',
    );
    assert.match(say({ kind: 'step-up', decision: 'deny', detail }), /did not succeed: asked/u);
    assert.equal(
      say({ kind: 'gap', detail: 'records could not be written since noon' }),
      'Records could not be written since noon',
    );
    assert.equal(say({ kind: 'start' }), 'Latchkey started');
    assert.equal(relay('start'), 'The relay started');
  });
});

test('what came from outside neither steers the line nor hides in it', () => {
  const reason = 'left\u202Egnissim\u0000\nAccess granted';
  const detail = JSON.stringify({ by: 'admin', kind: 'sid', reason });
  assert.equal(
    relay('sign-out', { detail }),
    'An administrator revoked one session: left\u{FFFD}gnissim\u{FFFD}Access granted',
  );
  const toolKey = 'x'.repeat(10_000);
  const made = 'key made key_0123456789ab: every API';
  assert.ok(say({ kind: 'config', detail: made, toolKey }).includes(toolKey));
});
