import { Counter, Registry } from 'prom-client';
import type { ManagementDeps } from '../admin/management.ts';
import type { AnomalyCounts } from './anomalies.ts';

function anomalyMetrics({ found, alerts, skipped }: AnomalyCounts): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const anomalies = new Counter({
    name: 'latchkey_anomalies_total',
    help: 'What was unusual, by rule.',
    labelNames: ['rule'],
    registers,
  });
  const told = new Counter({
    name: 'latchkey_anomaly_alerts_total',
    help: 'Messages to the webhook; result is delivered, failed: tried again, or dropped: refused, or too many.',
    labelNames: ['result'],
    registers,
  });
  const missed = new Counter({
    name: 'latchkey_anomaly_skipped_records_total',
    help: 'Records that no rule looked at, because too many waited.',
    registers,
  });
  for (const [rule, count] of Object.entries(found)) anomalies.inc({ rule }, count);
  for (const [result, count] of Object.entries(alerts)) told.inc({ result }, count);
  missed.inc(skipped);
  return registry.metrics();
}

/**
 * Adds to the metrics what was unusual.
 *
 * @param deps what the management listener shows besides
 * @param counts so far
 * @returns all of it
 */
export function withAnomalies(deps: ManagementDeps, counts: () => AnomalyCounts): ManagementDeps {
  return {
    ...deps,
    async metrics() {
      const { contentType, text } = await deps.metrics();
      return { contentType, text: `${text.trimEnd()}\n\n${await anomalyMetrics(counts())}` };
    },
  };
}
