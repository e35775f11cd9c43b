import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { randomUUID, type KeyObject } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../audit/directory.ts';
import type { RelayConfig } from './config/config.ts';
import type { AssertionKey } from './upstream/assertion.ts';

/** The keys of assertions. */
export interface AssertionKeys {
  /** Signs; absent where no API gets assertions and no key is configured. */
  readonly signing: AssertionKey | undefined;
  /** What APIs verify with, as a JWK Set (RFC 7517 §5). */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

/** The members that make a P-256 key, in the order in which RFC 7638 §3.2 hashes them. */
function publicMembers(key: KeyObject): Readonly<Record<'crv' | 'kty' | 'x' | 'y', string>> {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { crv: 'P-256', kty: 'EC', x, y };
}

function readKey(pem: string, where: string): AssertionKey {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What OpenSSL says could repeat a part of the file.
  }
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error(
      `${where} is not a P-256 private key in PEM without a passphrase; make one with \`latchkey-relay keygen --type assertion\``,
    );
  const members = JSON.stringify(publicMembers(key));
  return { key, kid: createHash('sha256').update(members).digest('base64url') };
}

const isThere = (error: unknown): boolean => (error as { code?: unknown }).code === 'EEXIST';

/** Written whole before it gets its name: other processes of this relay may be starting, too. */
function makeKeyFile(file: string): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const draft = `${file}.${randomUUID()}`;
  makeDirectory(dirname(file), false);
  writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!isThere(error)) throw error;
  } finally {
    rmSync(draft);
  }
}

function ownKey(file: string): AssertionKey {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) makeKeyFile(file);
  else if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Error(`${file} can be read or changed by other users; chmod 600 it`);
  return readKey(readFileSync(file, 'utf8'), file);
}

/**
 * Reads the keys of assertions. Without `assertion` in relay.yaml there is one, in a file beside the
 * audit's directory that is made when some API first needs it.
 *
 * @param config the configuration
 * @returns the keys; none where there is no need for any
 * @throws {Error} a key is unusable, or its file can be read by others
 */
export function readAssertionKeys(
  config: Pick<RelayConfig, 'assertionKeys' | 'apis'> & {
    readonly audit: Pick<RelayConfig['audit'], 'dir'>;
  },
): AssertionKeys {
  const isNeeded = config.apis.some((api) => api.request.assertion);
  const configured = config.assertionKeys?.map((pem, at) =>
    readKey(pem, at === 0 ? 'the key in assertion.keyFile' : 'a key in assertion.furtherKeyFiles'),
  );
  const keys = configured ?? (isNeeded ? [ownKey(`${config.audit.dir}.assertion.key`)] : []);
  return {
    signing: keys[0],
    jwks: {
      keys: keys.map(({ key, kid }) => ({
        ...publicMembers(key),
        kid,
        alg: 'ES256',
        use: 'sig',
      })),
    },
  };
}
