import type { AuditRecord } from '../../audit/record.ts';
import type { SeriesPoint } from './summary-shape.ts';

const POINTS = 60;

/**
 * Counts requests over a time, in sixty parts.
 *
 * @param sinceMs epoch ms
 * @param untilMs epoch ms
 * @returns takes records, and gives the parts, oldest first
 */
export function createSeries(
  sinceMs: number,
  untilMs: number,
): { add(record: AuditRecord): void; points(): readonly SeriesPoint[] } {
  const stepMs = Math.max(1, (untilMs - sinceMs) / POINTS);
  const allowed = Array.from({ length: POINTS }, () => 0);
  const denied = Array.from({ length: POINTS }, () => 0);
  return {
    add({ kind, at, decision, count = 1 }) {
      if (kind !== 'request') return;
      const index = Math.floor((Date.parse(at) - sinceMs) / stepMs);
      const part = Math.min(POINTS - 1, Math.max(0, index));
      const counts = decision === 'deny' ? denied : allowed;
      counts[part] = (counts[part] ?? 0) + count;
    },
    points: () =>
      allowed.map((value, index) => ({
        at: new Date(sinceMs + index * stepMs).toISOString(),
        allowed: value,
        denied: denied[index] ?? 0,
      })),
  };
}
