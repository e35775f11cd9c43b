import type { ClientAuthentication } from './config.ts';

/** Contents of secret files, by the path as written in the file. */
export type SecretContents = ReadonlyMap<string, string>;

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/**
 * Leaves members out that are undefined, as exactOptionalPropertyTypes wants it.
 *
 * @param value any object
 * @returns the members that are there
 */
export function present<T extends object>(value: T): Partial<Present<T>> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Partial<Present<T>>;
}

/**
 * Finds what a secret file holds.
 *
 * @param secrets all that were read
 * @param name the path as written
 * @returns the content
 * @throws {Error} the file was not among those read: a fault of ours
 */
export function secretOf(secrets: SecretContents, name: string): string {
  const value = secrets.get(name);
  if (value === undefined) throw new Error('a secret file was not read');
  return value;
}

interface AuthenticationFile {
  readonly clientSecretFile?: string | undefined;
  readonly privateKeyFile?: string | undefined;
  readonly keyId?: string | undefined;
  readonly clientCertificate?: { readonly certFile: string; readonly keyFile: string } | undefined;
}

/**
 * Reads how the relay shows an authorization server who it is.
 *
 * @param file a block with exactly one of the three ways
 * @param secrets what the files hold
 * @returns the authentication
 */
export function authenticationOf(
  file: AuthenticationFile,
  secrets: SecretContents,
): ClientAuthentication {
  const { clientSecretFile, privateKeyFile, clientCertificate, keyId } = file;
  if (clientSecretFile !== undefined)
    return { kind: 'client_secret_basic', secret: secretOf(secrets, clientSecretFile) };
  if (privateKeyFile !== undefined)
    return {
      kind: 'private_key_jwt',
      key: secretOf(secrets, privateKeyFile),
      ...present({ keyId }),
    };
  if (clientCertificate === undefined) throw new Error('an authentication was not checked');
  return {
    kind: 'tls_client_auth',
    certificate: secretOf(secrets, clientCertificate.certFile),
    key: secretOf(secrets, clientCertificate.keyFile),
  };
}
