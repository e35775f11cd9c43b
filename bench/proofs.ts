import { createHash, randomUUID, sign, type KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Authority, Line } from './tokens.ts';
import { apiPath, type Peer } from './peer.ts';

/** Somebody with a token that is bound to a key. */
interface Holder {
  readonly token: string;
  readonly ath: string;
  readonly key: KeyObject;
  readonly header: string;
}

const encoded = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Makes tokens that are bound to keys.
 *
 * @param authority who signs them
 * @param count how many people, each with a key and a token
 * @returns the people
 */
export async function createHolders(
  authority: Authority,
  count: number,
): Promise<readonly Holder[]> {
  const holders: Holder[] = [];
  for (let index = 0; index < count; index += 1) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { kty = '', crv = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const jwk = { kty, crv, x, y };
    const token = await authority.mint({ cnf: { jkt: await calculateJwkThumbprint(jwk) } });
    holders.push({
      token,
      ath: createHash('sha256').update(token).digest('base64url'),
      key: privateKey,
      header: encoded({ alg: 'ES256', typ: 'dpop+jwt', jwk }),
    });
  }
  return holders;
}

/**
 * Signs a proof for each request, fresh now and good for a minute (RFC 9449 §4.2).
 *
 * @param peer whom they are for
 * @param holders who asks, in turn
 * @param count how many requests
 * @param apis how many APIs they are spread over
 * @yields {Line} the requests; each may be sent once
 */
export function* provenLines(
  peer: Peer,
  holders: readonly Holder[],
  count: number,
  apis: number,
): Generator<Line> {
  for (let index = 0; index < count; index += 1) {
    const { token, ath, key, header } = holders[index % holders.length] as Holder;
    const path = `${apiPath(index % apis)}/json`;
    const iat = Math.floor(Date.now() / 1000);
    const payload = encoded({
      jti: randomUUID(),
      htm: 'GET',
      htu: peer.url.origin + path,
      iat,
      ath,
    });
    const signed = Buffer.from(`${header}.${payload}`);
    const signature = sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' });
    const proof = `${header}.${payload}.${signature.toString('base64url')}`;
    yield { path, headers: [`Authorization: DPoP ${token}`, `DPoP: ${proof}`] };
  }
}
