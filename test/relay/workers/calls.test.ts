import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { AuditError } from '../../../audit/errors.ts';
import { RelayError } from '../../../relay/errors.ts';
import { createCalls } from '../../../relay/workers/calls.ts';

/** A side that is asked for nothing. */
interface Idle {
  idle(): void;
}

interface Offered {
  add(one: number, other: number): number;
  later(text: string): Promise<string>;
  fail(kind: 'relay' | 'audit' | 'other' | 'thrown'): Promise<void>;
  hang(): Promise<void>;
}

function connect(t: TestContext) {
  const [near, far] = duplexPair();
  const heard: string[] = [];
  createCalls<Idle, Offered>(
    far,
    {
      add: (one, other) => one + other,
      later(text) {
        heard.push(text);
        return Promise.resolve(text.toUpperCase());
      },
      fail(kind) {
        if (kind === 'thrown') throw new RelayError('too_slow', 'slow');
        if (kind === 'relay') return Promise.reject(new RelayError('token_revoked', 'revoked'));
        if (kind === 'audit') return Promise.reject(new AuditError('audit_unavailable', 'full'));
        return Promise.reject(new Error('whatever'));
      },
      hang: () => new Promise(() => {}),
    },
    { flush: 'tick', closed: () => {} },
  );
  const calls = createCalls<Offered, Idle>(
    near,
    { idle: () => {} },
    { flush: 'turn', closed: () => heard.push('closed') },
  );
  t.after(() => {
    near.destroy();
    far.destroy();
  });
  return { calls, heard, far };
}

test('calls get their own answers', async (t) => {
  const { calls } = connect(t);
  const sums = await Promise.all([1, 2, 3].map((one) => calls.call('add', one, 10)));
  assert.deepEqual(sums, [11, 12, 13]);
  assert.equal(await calls.call('later', 'é€'), 'É€');
});

test('failures keep their class, code and message', async (t) => {
  const { calls } = connect(t);
  const caught = async (kind: Parameters<Offered['fail']>[0]) =>
    await calls.call('fail', kind).then(
      () => undefined,
      (error: unknown) => error,
    );
  const relay = await caught('relay');
  assert.ok(relay instanceof RelayError);
  assert.deepEqual([relay.code, relay.status, relay.message], ['token_revoked', 401, 'revoked']);
  const audit = await caught('audit');
  assert.ok(audit instanceof AuditError);
  assert.equal(audit.code, 'audit_unavailable');
  assert.equal(((await caught('other')) as Error).message, 'whatever');
  assert.ok((await caught('thrown')) instanceof RelayError);
  await assert.rejects(calls.call('nothing' as 'hang'), /no procedure nothing/);
});

test('what is told gets no answer, not even a failure', async (t) => {
  const { calls, heard } = connect(t);
  calls.tell('fail', 'other');
  calls.tell('fail', 'thrown');
  calls.tell('later', 'told');
  await calls.call('add', 1, 1);
  assert.deepEqual(heard, ['told']);
});

test('calls fail when the other process is gone, those under way too', async (t) => {
  const { calls, heard, far } = connect(t);
  const underWay = assert.rejects(calls.call('hang'), /gone/);
  await calls.call('add', 1, 1);
  assert.equal(calls.isGone(), false);
  far.destroy();
  await underWay;
  await assert.rejects(calls.call('add', 1, 1), /gone/);
  calls.tell('later', 'nobody');
  assert.equal(calls.isGone(), true);
  assert.deepEqual(heard, ['closed']);
});
