import type { RawFault } from './document.ts';
import { select } from './select.ts';

interface Row {
  readonly pattern: string;
  /** The values that mean "not used" and are therefore fine; absent: none is. */
  readonly fine?: (value: unknown) => boolean;
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const only =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const notRequired = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? !('mode' in value && value.mode === 'required') && !('nonce' in value && value.nonce === true)
    : value !== 'required';

/** Keys of the file's final shape without an effect in this version. To make one available, delete its row. */
const rows: readonly Row[] = [
  { pattern: 'apis.*.rules.*.allow.when' },
  { pattern: 'apis.*.rules.*.deny.when' },
  { pattern: 'issuers.*.tokens', fine: (value) => value !== 'introspection' },
  { pattern: 'issuers.*.introspection' },
  { pattern: 'issuers.*.dpop', fine: notRequired },
  { pattern: 'issuers.*.metadata.introspection_endpoint' },
  { pattern: 'issuers.*.metadata.revocation_endpoint' },
  { pattern: 'issuers.*.metadata.authorization_endpoint' },
  { pattern: 'issuers.*.metadata.token_endpoint' },
  { pattern: 'issuers.*.metadata.end_session_endpoint' },
  { pattern: 'apis.*.request.assertion', fine: (value) => value !== true },
  { pattern: 'apis.*.request.credentials.clientCertificate' },
  { pattern: 'apis.*.limits.rate' },
  { pattern: 'apis.*.limits.concurrent' },
  { pattern: 'apis.*.retries', fine: (value) => typeof value !== 'number' || value <= 0 },
  { pattern: 'apis.*.health' },
  { pattern: 'apis.*.streams' },
  { pattern: 'apis.*.cors' },
  { pattern: 'apis.*.audit.retention' },
  { pattern: 'audit.retention' },
  { pattern: 'audit.sinks', fine: isEmptyList },
  { pattern: 'state', fine: only('memory') },
];

/**
 * Finds what the file asks for that this version cannot do, so that nothing is silently ignored.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function unavailableFaults(values: unknown): readonly RawFault[] {
  return rows.flatMap(({ pattern, fine }) =>
    select(values, pattern)
      .filter(({ value }) => !(fine?.(value) ?? false))
      .map(({ path }) => ({
        path,
        message: `\`${String(path.at(-1))}\` is not available in this version${
          fine ? ' with this value' : '; remove it'
        }`,
        atKey: true,
      })),
  );
}
