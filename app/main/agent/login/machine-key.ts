import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import type { ClientKey } from './provider-machine.ts';

const longestBytes = 65_536;
const shortestRsaBits = 2048;

interface Algorithm {
  /** The name that it has in JWS. */
  readonly algorithm: string;
  readonly how: { readonly name: string; readonly hash?: string; readonly namedCurve?: string };
}

/**
 * Reads the private key of a machine.
 *
 * @param file a JWK (RFC 7517) or a PEM file with a P-256, RSA or Ed25519 private key
 * @param platform `process.platform`; Windows keeps no modes
 * @returns the key, which can sign and cannot be read out
 * @throws {AgentError} `bad_usage` when others may read the file, or it holds no such key; names the file
 * @see RFC 7523 §3, RFC 7518 §3.1, RFC 8037 §3.1
 */
export async function readClientKey(
  file: string,
  platform: NodeJS.Platform = process.platform,
): Promise<ClientKey> {
  const text = await readPrivate(file, platform);
  const isJwk = text.trimStart().startsWith('{');
  let stated: JsonWebKey & { readonly alg?: unknown; readonly kid?: unknown } = {};
  let key: KeyObject;
  try {
    if (isJwk) stated = JSON.parse(text) as typeof stated;
    key = isJwk ? createPrivateKey({ key: stated, format: 'jwk' }) : createPrivateKey(text);
  } catch {
    // The cause may quote what it could not read, and that is a key.
    throw unusable(file, 'it holds no private key as JWK or PEM without a passphrase');
  }
  const { algorithm, how } = algorithmOf(key, stated.alg, file);
  const jwk = key.export({ format: 'jwk' });
  return {
    key: await webcrypto.subtle.importKey('jwk', jwk, how, false, ['sign']),
    algorithm,
    ...(typeof stated.kid === 'string' && { keyId: stated.kid }),
  };
}

function algorithmOf(key: KeyObject, stated: unknown, file: string): Algorithm {
  const found = knownAlgorithm(key);
  if (!found) {
    throw unusable(file, `only P-256, Ed25519 and RSA keys of ${shortestRsaBits} bits or more do`);
  }
  const { algorithm } = found;
  if (stated === undefined || stated === algorithm) return found;
  if (algorithm === 'EdDSA' && stated === 'Ed25519') return found;
  throw unusable(file, `its \`alg\` must be ${algorithm}`);
}

function knownAlgorithm(key: KeyObject): Algorithm | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < shortestRsaBits) return undefined;
      return { algorithm: 'RS256', how: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } };
    case 'ec':
      if (namedCurve !== 'prime256v1') return undefined;
      return { algorithm: 'ES256', how: { name: 'ECDSA', namedCurve: 'P-256' } };
    case 'ed25519':
      return { algorithm: 'EdDSA', how: { name: 'Ed25519' } };
    default:
      return undefined;
  }
}

async function readPrivate(file: string, platform: NodeJS.Platform): Promise<string> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new AgentError('bad_usage', `The key file ${file} cannot be read (${code}).`);
  });
  try {
    // Of the open file, so that it can't be exchanged between the look and the reading.
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(file, 'it is not a file');
    if (platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      throw unusable(file, `others may read it; run: chmod 600 ${file}`);
    }
    if (stat.size > longestBytes) throw unusable(file, 'it is too large for a key');
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function unusable(file: string, why: string): AgentError {
  return new AgentError('bad_usage', `The key file ${file} cannot be used: ${why}.`);
}
