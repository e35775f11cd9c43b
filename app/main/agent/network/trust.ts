import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { NetworkError } from './network-error.ts';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Which servers are believed. */
export interface Trust {
  /**
   * Made once, at the first use: reading the system's store costs time.
   *
   * @throws {NetworkError} when the file of `network.caFile` is of no use
   */
  secureContext(): tls.SecureContext;
}

/**
 * Believes the authorities that Node ships, those of the operating system and those of one more file.
 *
 * @param caFile path of a PEM file, from `network.caFile`
 * @returns the trust
 */
export function createTrust(caFile?: string): Trust {
  let made: tls.SecureContext | undefined;
  return {
    secureContext() {
      return (made ??= tls.createSecureContext({
        ca: [...new Set([...known(), ...readAuthorities(caFile)])],
        minVersion: 'TLSv1.2',
      }));
    },
  };
}

function known(): readonly string[] {
  // Missing in the Node inside older Electrons, as their types do not say.
  const get = tls.getCACertificates as typeof tls.getCACertificates | undefined;
  return get === undefined ? tls.rootCertificates : [...get('default'), ...get('system')];
}

function readAuthorities(file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  let found: readonly string[];
  try {
    found = readFileSync(file, 'latin1').match(PEM) ?? [];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new NetworkError(
      `network.caFile: ${file} cannot be read (${code}). Check the path and its rights, or remove the setting.`,
      { cause: error },
    );
  }
  if (found.length === 0) {
    throw new NetworkError(
      `network.caFile: ${file} holds no certificate. It must be a PEM file with BEGIN CERTIFICATE lines.`,
    );
  }
  found.forEach((pem, index) => check(pem, file, index + 1));
  return found;
}

function check(pem: string, file: string, count: number): void {
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new NetworkError(
      `network.caFile: certificate ${count} in ${file} is damaged. Ask your IT department for the file again.`,
      { cause: error },
    );
  }
}
