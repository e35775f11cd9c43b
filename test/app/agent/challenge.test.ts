import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges, readStepUp } from '../../../app/main/agent/proxy/challenge.ts';

const read = (...values: string[]) =>
  readStepUp(values.flatMap((value) => ['WWW-Authenticate', value]));
const STEP_UP = 'error="insufficient_user_authentication"';

test('what the relay sends is understood', () => {
  assert.deepEqual(
    read(
      `Bearer realm="latchkey", ${STEP_UP}, acr_values="mfa urn:example:hwk", max_age="900", resource_metadata="https://relay.test/.well-known/oauth-protected-resource"`,
    ),
    { acrValues: ['mfa', 'urn:example:hwk'], maxAgeSeconds: 900 },
  );
  assert.deepEqual(read(`DPoP algs="ES256", ${STEP_UP}, max_age=0`), {
    acrValues: [],
    maxAgeSeconds: 0,
  });
});

test('it is found among several challenges, in one field or in many', () => {
  const wanted = { acrValues: ['mfa'] };
  const challenge = `DPoP ${STEP_UP}, acr_values="mfa"`;
  assert.deepEqual(read(`Bearer realm="a, b \\" c", ${challenge}`), wanted);
  assert.deepEqual(read('Basic realm="x"', challenge), wanted);
  assert.deepEqual(read(`Negotiate abc==, ${challenge}`), wanted);
  assert.deepEqual(read(`Negotiate, ,${challenge} , `), wanted);
  assert.deepEqual(read(`Bearer ERROR = insufficient_user_authentication ,Max_Age\t= "5"`), {
    acrValues: [],
    maxAgeSeconds: 5,
  });
});

test('nothing but plain, short values gets near a URL', () => {
  for (const bad of [
    `Bearer ${STEP_UP}`,
    `Bearer ${STEP_UP}, acr_values=""`,
    `Basic ${STEP_UP}, acr_values="mfa"`,
    `Bearer error="invalid_token", acr_values="mfa"`,
    `Bearer ${STEP_UP}, acr_values="mf\\"a"`,
    `Bearer ${STEP_UP}, acr_values="m\u00fca"`,
    `Bearer ${STEP_UP}, acr_values="${'x'.repeat(201)}"`,
    `Bearer ${STEP_UP}, acr_values="${'x '.repeat(11)}"`,
    `Bearer ${STEP_UP}, acr_values="mfa", acr_values="other"`,
    `Bearer ${STEP_UP}, acr_values="mfa", max_age="-1"`,
    `Bearer ${STEP_UP}, acr_values="mfa", max_age="1e9"`,
    `Bearer ${STEP_UP}, acr_values="mfa", max_age="9999999999"`,
    `Bearer ${STEP_UP}, acr_values="mfa`,
    `Bearer ${STEP_UP}, acr_values="mfa"x`,
    `Bearer ${STEP_UP}, acr_values="mfa" max_age=1`,
    `Bearer ${STEP_UP}, acr_values="mfa", =`,
    `Bearer ${STEP_UP}, acr_values="mfa", x="${'y'.repeat(5_000)}"`,
  ]) {
    assert.equal(read(bad), undefined, bad.slice(0, 80));
  }
});

test('whatever arrives is parsed or refused, and quoted values survive', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('B', 'a', ' ', '"', '=', ',', '\\', '\t', ';', 'z') }),
      (text) => {
        for (const { scheme } of parseChallenges(text) ?? []) assert.match(scheme, /^[a-z0-9]+$/);
      },
    ),
  );
  const plain = fc.string({ unit: 'grapheme-ascii', maxLength: 50 });
  fc.assert(
    fc.property(plain, plain, (one, two) => {
      const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
      const parsed = parseChallenges(`Bearer a=${quote(one)}, DPoP b=${quote(two)}`);
      assert.deepEqual(
        parsed?.map(({ scheme, parameters }) => [scheme, ...parameters]),
        [
          ['bearer', ['a', one]],
          ['dpop', ['b', two]],
        ],
      );
    }),
  );
});
