import assert from 'node:assert/strict';
import { allRecords } from '../audit/ledger-dir.ts';
import { codeOf, sendRaw, statusOf } from './raw.ts';
import type { RelayBench } from './relay.ts';
import { until } from './until.ts';

/** What a refused caller gets. */
export interface Expected {
  readonly status: number;
  readonly code: string;
  /** Of the Bearer challenge; null: a challenge without one, undefined: no challenge at all. */
  readonly error?: string | null;
}

export const bearer = (token: string): readonly string[] => [`Authorization: Bearer ${token}`];
export const invalid = (code: string): Expected => ({ status: 401, code, error: 'invalid_token' });

/** The values of every WWW-Authenticate field of a raw answer, one a line. */
export const challengesOf = (answer: string): string =>
  [...answer.matchAll(/^www-authenticate: (.*)$/gim)].map(([, value]) => value).join('\n');

/** Sends one request without a body, its fields as they are. */
export async function send(
  bench: RelayBench,
  fields: readonly string[],
  target = '/x/a',
  method = 'GET',
): Promise<string> {
  const { host } = new URL(bench.relay.url);
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields];
  return await sendRaw(bench.relay.url, [...head, '', ''].join('\r\n'));
}

/** Waits until the audit holds a record with a code and a decision. */
export async function assertRecorded(
  bench: RelayBench,
  code: string,
  decision: 'allow' | 'deny',
): Promise<void> {
  await until(`the audit has ${decision} ${code}`, async () => {
    const records = await allRecords(bench.auditDir);
    // Of an allowed request the failure is in the outcome, the decision in the request.
    const found = records.find((record) => record.code === code);
    const decided = records.find(
      (record) => record.kind === 'request' && record.requestId === found?.requestId,
    );
    return (decided ?? found)?.decision === decision;
  });
}

/** A refusal: the answer is as expected, the API got nothing, and the audit has it. */
export async function assertRefused(
  bench: RelayBench,
  answer: string,
  expected: Expected,
): Promise<void> {
  assert.equal(statusOf(answer), expected.status, answer);
  assert.equal(codeOf(answer), expected.code);
  const challenges = challengesOf(answer);
  if (expected.error === undefined) assert.equal(challenges, '');
  else {
    assert.match(challenges, /^Bearer realm="latchkey"/m);
    assert.match(challenges, /resource_metadata="[^"]+oauth-protected-resource"/);
    if (expected.error === null) assert.doesNotMatch(challenges, /error=/);
    else assert.ok(challenges.includes(`error="${expected.error}"`), challenges);
  }
  assert.equal(bench.upstream.requests(), 0, 'the API got nothing');
  await assertRecorded(bench, expected.code, 'deny');
}
