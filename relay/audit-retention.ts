import type { RetentionPolicy } from '../audit/retention/policy.ts';
import type { RelayConfig } from './config/config.ts';

/**
 * Reads how long records are kept.
 *
 * @param config a checked configuration
 * @returns the policy of its audit
 */
export function retentionOf({ audit, apis }: Pick<RelayConfig, 'audit' | 'apis'>): RetentionPolicy {
  const own = apis.flatMap(({ name, audit: { retentionMs } }) =>
    retentionMs === undefined ? [] : [[name, retentionMs] as const],
  );
  return { defaultMs: audit.retentionMs, apis: Object.fromEntries(own) };
}
