import { createPrivateKey, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RawFault } from './document.ts';
import { selectText } from './select.ts';

const MAX_BYTES = 64 * 1024;
/** Where a secret's content is needed, and what of it is sent in a header. */
const SECRETS = [
  'apis.*.request.credentials.basic.passwordFile',
  'apis.*.request.credentials.bearerFile',
  'apis.*.request.credentials.header.valueFile',
  'apis.*.request.credentials.awsSigV4.secretAccessKeyFile',
  'apis.*.request.credentials.awsSigV4.sessionTokenFile',
  'apis.*.request.credentials.clientCredentials.clientSecretFile',
  'apis.*.request.credentials.tokenExchange.clientSecretFile',
  'issuers.*.introspection.clientSecretFile',
  'telemetry.traces.headerFiles.*',
  'audit.sinks.*.headerFiles.*',
  'audit.sinks.*.bearerFile',
  'audit.sinks.*.secretFile',
  'anomalies.webhook.secretFile',
  'audit.sinks.*.tokenFile',
  'management.signIn.clientSecretFile',
];

/** PEM: several lines, never sent in a header. */
const PEM = [
  'issuers.*.introspection.privateKeyFile',
  'issuers.*.introspection.clientCertificate.certFile',
  'issuers.*.introspection.clientCertificate.keyFile',
  ...['clientCredentials', 'tokenExchange'].flatMap((kind) => [
    `apis.*.request.credentials.${kind}.privateKeyFile`,
    `apis.*.request.credentials.${kind}.clientCertificate.certFile`,
    `apis.*.request.credentials.${kind}.clientCertificate.keyFile`,
  ]),
  'apis.*.request.credentials.clientCertificate.certFile',
  'apis.*.request.credentials.clientCertificate.keyFile',
  'apis.*.upstreamTls.caFile',
  'telemetry.traces.caFile',
  'anomalies.webhook.caFile',
  'audit.sinks.*.tls.caFile',
  'audit.sinks.*.tls.certFile',
  'audit.sinks.*.tls.keyFile',
  'assertion.keyFile',
  'assertion.furtherKeyFiles.*',
  'management.signIn.privateKeyFile',
  'management.tls.keyFile',
  'management.tls.certFile',
  'tls.keyFile',
  'tls.certFile',
  'tls.additional.*.keyFile',
  'tls.additional.*.certFile',
];

/** Made at the first start; its audit reads it, and no reload. */
const MADE_IF_MISSING = 'audit.keyFile';

/** What the `*File` keys of a configuration lead to. */
export interface Secrets {
  /** By the path as written in the file; also those of certificates and keys. */
  readonly contents: ReadonlyMap<string, string>;
  readonly faults: readonly RawFault[];
}

async function readPrivate(file: string, isPrivate: boolean): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('is not a regular file');
    // Windows has no such bits; its access lists are the administrator's.
    if (isPrivate && process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
      throw new Error('can be read or changed by other users; chmod 600 it');
    if (stat.size > MAX_BYTES) throw new Error('is larger than 64KB');
    return (await handle.readFile('utf8')).replace(/\r?\n$/, '');
  } finally {
    await handle.close();
  }
}

const isPublic = (pattern: string): boolean => /\.(?:certFile|caFile)$/.test(pattern);

/** What OpenSSL makes of a key, without anything of the key. */
function checkKey(content: string, pattern: string): void {
  let key: KeyObject;
  try {
    key = createPrivateKey(content);
  } catch {
    throw new Error('holds a private key that cannot be used: it is encrypted or malformed');
  }
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (pattern.startsWith('assertion.') && !isP256)
    throw new Error('must hold a key for ES256 (P-256); `latchkey-relay keygen` makes one');
  if (pattern === MADE_IF_MISSING && key.asymmetricKeyType !== 'ed25519')
    throw new Error('must hold an Ed25519 key; name a file that does not exist, and one is made');
}

function checkPem(content: string, pattern: string): void {
  const kind = isPublic(pattern) ? 'CERTIFICATE' : 'PRIVATE KEY';
  if (!new RegExp(`-----BEGIN (?:[A-Z]+ )?${kind}-----`).test(content))
    throw new Error(`holds no PEM block of a ${kind.toLowerCase()}`);
  if (!isPublic(pattern)) checkKey(content, pattern);
}

const isMissing = (error: unknown): boolean =>
  (error as { readonly code?: unknown }).code === 'ENOENT';

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (isMissing(error)) return 'the file does not exist';
  if (code !== undefined) return `the file cannot be read (${code})`;
  return `the file ${error instanceof Error ? error.message : 'cannot be read'}`;
}

/**
 * Reads every secret file and checks that the TLS files are there; paths are relative to the configuration.
 *
 * @param values the unchecked tree
 * @param directory of the configuration file
 * @returns the contents, one trailing newline dropped, and a fault for each file that is missing, public or empty
 */
export async function readSecrets(values: unknown, directory: string): Promise<Secrets> {
  const contents = new Map<string, string>();
  const faults: RawFault[] = [];
  const wanted = [...SECRETS, ...PEM, MADE_IF_MISSING].flatMap((pattern) =>
    selectText(values, pattern).map(({ path, value }) => ({ path, value, pattern })),
  );
  for (const { path, value, pattern } of wanted) {
    try {
      const content = await readPrivate(resolve(directory, value), !isPublic(pattern));
      if (content === '') throw new Error('is empty');
      if (pattern === MADE_IF_MISSING || PEM.includes(pattern)) checkPem(content, pattern);
      else if (!/^[\x20-\x7e]+$/.test(content) || content.trim() !== content)
        throw new Error('must hold one line of visible ASCII, without spaces around it');
      if (pattern !== MADE_IF_MISSING) contents.set(value, content);
    } catch (error) {
      if (pattern === MADE_IF_MISSING && isMissing(error)) continue;
      faults.push({ path, message: reasonOf(error) });
    }
  }
  return { contents, faults };
}
