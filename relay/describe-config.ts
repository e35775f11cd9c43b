import type { RelayConfig } from './config/config.ts';

/**
 * Says what of a configuration an auditor asks first: which protections it goes without.
 *
 * @param config what takes effect
 * @param circumstances why, and what changed beside it; no secret
 * @returns the `detail` of a `config` record
 */
export function describeForAudit(
  config: RelayConfig,
  circumstances: Readonly<Record<string, string>>,
): string {
  const unrecorded = config.apis.filter((api) => !api.audit.required).map((api) => api.name);
  const { sinks } = config.audit;
  return JSON.stringify({
    insecure: config.insecure,
    auditNotRequired: unrecorded,
    ...(sinks.length > 0 && { auditSinks: sinks.map(({ name, type }) => `${name}: ${type}`) }),
    ...circumstances,
  });
}
