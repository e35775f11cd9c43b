import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { ecdsaFromDer, ecdsaToDer } from '../../wire/ecdsa-signature.ts';

const data = Buffer.from('what is signed');

for (const [namedCurve, hash, half] of [
  ['P-256', 'sha256', 32],
  ['P-384', 'sha384', 48],
  ['P-521', 'sha512', 66],
] as const)
  test(`both forms of ${namedCurve} signatures say the same`, () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const raw = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    // Enough for R and S with leading zeros, and with their highest bit set.
    for (let round = 0; round < 600; round += 1) {
      const der = sign(hash, data, privateKey);
      const turned = ecdsaFromDer(der, half);
      assert.equal(turned.length, 2 * half);
      assert.ok(verify(hash, data, raw, turned));
      assert.deepEqual(ecdsaToDer(turned), der);
    }
  });

test('numbers with zeros in front, and zero itself, are written as DER wants them', () => {
  const raw = Buffer.alloc(64);
  assert.equal(ecdsaToDer(raw).toString('hex'), '3006020100020100');
  raw[31] = 1;
  raw[63] = 0x80;
  assert.equal(ecdsaToDer(raw).toString('hex'), '300702010102020080');
  assert.deepEqual(ecdsaFromDer(ecdsaToDer(raw), 32), raw);
});
