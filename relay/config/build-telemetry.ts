import { present, secretOf, type SecretContents } from './build-parts.ts';
import type { TelemetryConfig } from './config.ts';
import type { RelayFile } from './schema.ts';

/**
 * Makes what spans are sent with out of a file without faults.
 *
 * @param file the `telemetry` block
 * @param secrets what its files hold
 * @returns the configuration
 */
export function telemetryOf(
  { serviceName, traces }: NonNullable<RelayFile['telemetry']>,
  secrets: SecretContents,
): TelemetryConfig {
  const { url, ratio, headerFiles, caFile, paths } = traces;
  const headers = Object.fromEntries(
    Object.entries(headerFiles).map(([name, file]) => [name, secretOf(secrets, file)]),
  );
  const ca = caFile === undefined ? undefined : secretOf(secrets, caFile);
  return { serviceName, traces: { url, ratio, headers, paths, ...present({ ca }) } };
}
