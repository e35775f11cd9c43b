/** What asks for a look, and may pass by itself. */
const WARNINGS: ReadonlySet<unknown> = new Set([
  'anomaly',
  'anomaly_alert_failed',
  'audit_shipping_failed',
  'audit_sink_failed',
  'console_build_failed',
  'console_sign_in_failed',
  'introspection_rejected',
  'issuer_key_skipped',
  'issuer_problem',
  'management_certificate_refused',
  'reload_failed',
  'replace_failed',
  'replace_refused',
  'request_failed',
  'state_problem',
  'telemetry_problem',
  'telemetry_unsent',
  'token_endpoint_problem',
  'token_endpoint_rejected',
  'token_exchange_refused',
  'upstream_circuit_open',
  'upstream_unhealthy',
  'worker_died',
  'worker_failed',
]);

/** Records or alerts that are lost. */
const ERRORS: ReadonlySet<unknown> = new Set([
  'anomalies_error',
  'anomaly_alert_dropped',
  'audit_dead_letter',
  'audit_error',
  'audit_gap',
  'audit_sink_ledger_replaced',
]);

/**
 * Says how loud an event of the relay is in its log.
 *
 * @param event with its name
 * @returns the level; info for what is as it should be
 */
export function levelOf({ event }: Readonly<Record<string, unknown>>): 'info' | 'warn' | 'error' {
  if (ERRORS.has(event)) return 'error';
  return WARNINGS.has(event) ? 'warn' : 'info';
}
