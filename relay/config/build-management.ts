import { resolve } from 'node:path';
import { authenticationOf, present, secretOf, type SecretContents } from './build-parts.ts';
import type { ManagementConfig, SignInConfig } from './config.ts';
import type { RelayFile } from './schema.ts';

type ManagementFile = NonNullable<RelayFile['management']>;

type SignInFile = NonNullable<ManagementFile['signIn']>;

function clientOf(file: SignInFile, secrets: SecretContents): SignInConfig['authentication'] {
  const { clientSecretFile, privateKeyFile, clientSecretMethod } = file;
  if (clientSecretFile === undefined && privateKeyFile === undefined) return undefined;
  if (clientSecretFile === undefined || clientSecretMethod !== 'client_secret_post')
    return authenticationOf(file, secrets);
  return { kind: 'client_secret_post', secret: secretOf(secrets, clientSecretFile) };
}

function signInOf(file: SignInFile, secrets: SecretContents): SignInConfig {
  const { issuer, clientId, scopes, role, rolesClaim, idle, session } = file;
  return {
    issuer,
    clientId,
    scopes,
    role,
    rolesClaim,
    idleMs: idle,
    sessionMs: session,
    ...present({ authentication: clientOf(file, secrets) }),
  };
}

/**
 * Makes the management listener's part of the configuration.
 *
 * @param file the schema's output
 * @param directory of the configuration file
 * @param secrets what the files hold
 * @returns the part; paths are absolute
 */
export function managementOf(
  file: ManagementFile,
  directory: string,
  secrets: SecretContents,
): ManagementConfig {
  const { listen, publicUrl, tls, signIn } = file;
  return {
    listen,
    console: file.console,
    ...present({
      publicUrl,
      tls: tls && {
        certFile: resolve(directory, tls.certFile),
        keyFile: resolve(directory, tls.keyFile),
      },
      signIn: signIn && signInOf(signIn, secrets),
    }),
  };
}
