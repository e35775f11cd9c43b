import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProofChecker, checkBinding } from '../../../relay/auth/binding.ts';
import type { Credential } from '../../../relay/auth/bearer.ts';
import type { IssuerConfig } from '../../../relay/config/config.ts';
import { RelayError } from '../../../relay/errors.ts';
import { createTestIssuer } from '../../support/issuer.ts';
import { principal } from '../../support/principal.ts';
import { plainPresentation } from '../../support/verifier.ts';

const issuer = await createTestIssuer();
await issuer.close();

const JKT = 'k'.repeat(43);
const X5T = 'c'.repeat(43);

interface Case {
  readonly dpop: IssuerConfig['dpop'];
  readonly scheme: Credential['scheme'];
  readonly cnf?: unknown;
  readonly certificate?: string;
  readonly nonce?: boolean;
}

/** What came of it: `ok`, or the code; and what the proof was checked for, if it was. */
async function outcome(
  one: Case,
): Promise<{ readonly result: string; readonly asked: readonly unknown[] }> {
  const asked: unknown[] = [];
  const proofs: ProofChecker = {
    check: (_shown, expected) => {
      asked.push(expected);
      return Promise.resolve();
    },
  };
  const use = {
    principal: principal({ claims: one.cnf === undefined ? {} : { cnf: one.cnf } }),
    config: issuer.config({ dpop: one.dpop, dpopNonce: one.nonce ?? false }),
    scheme: one.scheme,
    token: 'a.b.c',
    shown: { ...plainPresentation, certificateThumbprint: () => one.certificate },
  };
  try {
    await checkBinding(use, proofs);
    return { result: 'ok', asked };
  } catch (error) {
    assert.ok(error instanceof RelayError, String(error));
    assert.equal(error.status, 401);
    return { result: error.code, asked };
  }
}

const jkt = { jkt: JKT };
const x5t = { 'x5t#S256': X5T };

test('a token bound by DPoP needs the scheme and a checked proof', async () => {
  for (const dpop of ['optional', 'required'] as const) {
    assert.deepEqual(await outcome({ dpop, scheme: 'dpop', cnf: jkt }), {
      result: 'ok',
      asked: [{ jkt: JKT, token: 'a.b.c', nonceRequired: false }],
    });
    assert.deepEqual(await outcome({ dpop, scheme: 'bearer', cnf: jkt }), {
      result: 'token_binding',
      asked: [],
    });
  }
  const { asked } = await outcome({ dpop: 'required', scheme: 'dpop', cnf: jkt, nonce: true });
  assert.deepEqual(asked, [{ jkt: JKT, token: 'a.b.c', nonceRequired: true }]);
});

test('where DPoP is off, neither a bound token nor the scheme is accepted', async () => {
  for (const scheme of ['bearer', 'dpop'] as const)
    assert.deepEqual(await outcome({ dpop: 'off', scheme, cnf: jkt }), {
      result: 'token_binding',
      asked: [],
    });
  assert.equal((await outcome({ dpop: 'off', scheme: 'dpop' })).result, 'token_binding');
  assert.equal((await outcome({ dpop: 'off', scheme: 'bearer' })).result, 'ok');
});

test('an unbound token is a bearer token, and only where those may be used', async () => {
  assert.equal((await outcome({ dpop: 'optional', scheme: 'bearer' })).result, 'ok');
  assert.equal((await outcome({ dpop: 'optional', scheme: 'dpop' })).result, 'token_binding');
  for (const scheme of ['bearer', 'dpop'] as const)
    assert.equal((await outcome({ dpop: 'required', scheme })).result, 'token_binding');
});

test('a token bound to a certificate needs that certificate, whatever DPoP is', async () => {
  for (const dpop of ['off', 'optional'] as const) {
    const use = { dpop, scheme: 'bearer', cnf: x5t } as const;
    assert.equal((await outcome({ ...use, certificate: X5T })).result, 'ok');
    for (const certificate of [undefined, '', 'd'.repeat(43), X5T.slice(1), `${X5T}c`, 'é'])
      assert.equal(
        (await outcome({ ...use, ...(certificate === undefined ? {} : { certificate }) })).result,
        'token_binding',
        certificate,
      );
  }
  const required = { dpop: 'required', scheme: 'bearer', cnf: x5t, certificate: X5T } as const;
  assert.equal((await outcome(required)).result, 'token_binding', 'DPoP itself is required');
});

test('a token with both confirmations needs both, and wastes no proof without its certificate', async () => {
  const both = { dpop: 'optional', scheme: 'dpop', cnf: { ...jkt, ...x5t } } as const;
  assert.deepEqual(await outcome(both), { result: 'token_binding', asked: [] });
  assert.equal((await outcome({ ...both, certificate: X5T })).asked.length, 1);
  const asBearer = { ...both, scheme: 'bearer', certificate: X5T } as const;
  assert.equal((await outcome(asBearer)).result, 'token_binding');
});

test('a confirmation that is no text is refused, and an empty one matches nothing', async () => {
  for (const value of [null, 7, [JKT], { a: 1 }, true])
    for (const name of ['jkt', 'x5t#S256'])
      assert.deepEqual(
        await outcome({
          dpop: 'optional',
          scheme: 'dpop',
          cnf: { [name]: value },
          certificate: X5T,
        }),
        { result: 'token_claims', asked: [] },
      );
  const empty = { dpop: 'optional', scheme: 'bearer', cnf: { 'x5t#S256': '' } } as const;
  assert.equal((await outcome(empty)).result, 'token_binding');
  assert.equal((await outcome({ ...empty, certificate: '' })).result, 'token_binding');
});
