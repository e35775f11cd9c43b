import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { redactSecrets, redactValue } from '../../wire/redact.ts';

const JWT = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2ln';
const OPAQUE = 'kJ8s0dkfJ3kd9fkE4jd8fj2kd9fj3kd8fj2k';

test('secrets by their shape or by what stands before them', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const cases: readonly (readonly [text: string, secret: string])[] = [
    [`refused ${JWT}`, JWT],
    [`cut off ${JWT.slice(0, 30)}`, JWT.slice(0, 30)],
    [`it sent Authorization: DPoP abcdefgh12345678`, 'abcdefgh12345678'],
    ['authorization: basic YWxpY2U6c2VjcmV0', 'YWxpY2U6c2VjcmV0'],
    ['rediss://relay:s3cret@redis.example.com:6379/0 is gone', 's3cret'],
    ['https://idp.example.com/cb?code=abc&state=def broke', 'code=abc'],
    ['{"refresh_token":"abc","x":1}', 'abc'],
    ['client_secret=hunter2&x=1', 'hunter2'],
    [`a word ${OPAQUE}`, OPAQUE],
    [`key ${pem} end`, pem.split('\n')[1] ?? ''],
  ];
  for (const [text, secret] of cases) {
    const left = redactSecrets(text);
    assert.ok(secret.length > 2 && !left.includes(secret), left);
    assert.match(left, /\[redacted\]/);
  }
});

test('what operators need stays', () => {
  const texts = [
    'https://idp.example.com/.well-known/openid-configuration answered 500',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '/etc/latchkey/relay.yaml:12:3 apis.billing.upstream: must be an absolute http or https URL',
    'connect ECONNREFUSED 127.0.0.1:9001',
    'the clientId, its secret, key or certificate',
  ];
  for (const text of texts) assert.equal(redactSecrets(text), text);
});

test('values are searched to their depth; errors lose their stack', () => {
  const cause = new Error(JWT);
  const redacted = JSON.stringify(
    redactValue({ at: 1, list: [{ deep: JWT }], cause, none: undefined, flag: true }),
  );
  assert.doesNotMatch(redacted, /eyJ/);
  assert.match(redacted, /"at":1.*Error: \[redacted\].*"flag":true/);
  let endless: Record<string, unknown> = {};
  endless = { endless, own: JWT };
  endless['endless'] = endless;
  assert.doesNotMatch(JSON.stringify(redactValue(endless)), /eyJ/);
});

test('hostile texts of any length take no time', () => {
  for (const piece of ['a-', 'a.', 'a://', 'eyJ', 'Bearer ', '-----BEGIN PRIVATE KEY-----'])
    assert.ok(redactSecrets(piece.repeat(200_000)).length <= 64 * 1024);
});
