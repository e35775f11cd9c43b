import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { claimAt } from '../../../relay/auth/claims.ts';
import { compileTemplate } from '../../../relay/upstream/template.ts';

const render = (value: unknown, source = '{claims.c}'): string | undefined =>
  compileTemplate(source, claimAt).render({ c: value });

test('claims stand in a header as visible ASCII, whatever they hold', () => {
  assert.equal(render('ann@example.com'), 'ann@example.com');
  assert.equal(render('a\r\nX-Evil: 1\0'), 'a%0D%0AX-Evil:%201%00');
  assert.equal(render('Zoë €😀'), 'Zo%C3%AB%20%E2%82%AC%F0%9F%98%80');
  assert.equal(render('50%'), '50%25');
  assert.equal(render(''), '');
  assert.equal(render(true), 'true');
  assert.equal(render(-1.5), '-1.5');
  assert.equal(render('x', 'user {claims.c}, of {claims.c}!'), 'user x, of x!');
  assert.equal(render('x', 'constant'), 'constant');
});

test('a list is joined by commas, and no element can pass for two', () => {
  assert.equal(render(['staff', 'x,admin']), 'staff,x%2Cadmin');
  assert.equal(render(['a', 1, false]), 'a,1,false');
  assert.equal(render([]), '');
});

test('what cannot be told exactly is as good as absent', () => {
  assert.equal(render(undefined), undefined);
  assert.equal(render(null), undefined);
  assert.equal(render({ a: 1 }), undefined);
  assert.equal(render(['a', { b: 1 }]), undefined, 'a list is told whole or not at all');
  assert.equal(render(['a', ['b']]), undefined);
  assert.equal(render(JSON.parse('9007199254740993')), undefined, 'digits were lost already');
  assert.equal(render('\ud800'), undefined, 'it would look like every other lone surrogate');
  assert.equal(render(['a\udc00']), undefined);
});

test('any text comes back by decoding, and never leaves its field', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const value = render(text);
      assert.ok(value !== undefined);
      assert.match(value, /^[\x21-\x7e]*$/);
      assert.equal(decodeURIComponent(value), text);
    }),
  );
});
