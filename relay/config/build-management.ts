import { resolve } from 'node:path';
import { authenticationOf, present, type SecretContents } from './build-parts.ts';
import type { ManagementConfig, SignInConfig } from './config.ts';
import type { RelayFile } from './schema.ts';

type ManagementFile = NonNullable<RelayFile['management']>;

function signInOf(
  file: NonNullable<ManagementFile['signIn']>,
  secrets: SecretContents,
): SignInConfig {
  const { issuer, clientId, scopes, role, rolesClaim, idle, session } = file;
  const isPublic = file.clientSecretFile === undefined && file.privateKeyFile === undefined;
  return {
    issuer,
    clientId,
    scopes,
    role,
    rolesClaim,
    idleMs: idle,
    sessionMs: session,
    ...present({ authentication: isPublic ? undefined : authenticationOf(file, secrets) }),
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
