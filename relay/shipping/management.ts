import { Counter, Gauge, Registry } from 'prom-client';
import type { Check, ManagementDeps } from '../admin/management.ts';
import type { SinkState } from './telling.ts';

/**
 * Says how shipping goes. It never turns the relay red: the ledger keeps what a sink has not, and taking the
 * relay away from people would bring no record any sooner.
 *
 * @param states of the sinks
 * @param head the ledger's newest position
 * @returns one check each
 */
function sinkChecks(states: readonly SinkState[], head: number): readonly Check[] {
  return states.map(({ name, seq, problem, deadLetters }) => {
    const behind = Math.max(0, head - seq);
    const told = [
      ...(problem === undefined ? [] : [problem]),
      `${behind} records behind`,
      ...(deadLetters === 0 ? [] : [`${deadLetters} dead letters`]),
    ];
    return { name: `audit sink ${name}`, ok: true, detail: told.join('; ') };
  });
}

function sinkMetrics(states: readonly SinkState[], head: number): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['sink'];
  const lag = new Gauge({
    name: 'latchkey_audit_sink_lag_records',
    help: 'Records of the ledger that the sink has not been through.',
    labelNames,
    registers,
  });
  const success = new Gauge({
    name: 'latchkey_audit_sink_last_success_timestamp',
    help: 'When the sink last took records, seconds since the epoch; kept over restarts, absent before the first time.',
    labelNames,
    registers,
  });
  const failures = new Counter({
    name: 'latchkey_audit_sink_failures_total',
    help: 'Deliveries that failed, by reason; each is tried again.',
    labelNames: ['sink', 'reason'],
    registers,
  });
  const dead = new Counter({
    name: 'latchkey_audit_sink_dead_letters_total',
    help: 'Records that the sink refused for good.',
    labelNames,
    registers,
  });
  const missing = new Counter({
    name: 'latchkey_audit_sink_missing_records_total',
    help: 'Records that were missing in the ledger.',
    labelNames,
    registers,
  });
  for (const state of states) {
    const { name: sink } = state;
    lag.set({ sink }, Math.max(0, head - state.seq));
    if (state.lastSuccessMs !== undefined) success.set({ sink }, state.lastSuccessMs / 1000);
    dead.inc({ sink }, state.deadLetters);
    missing.inc({ sink }, state.missing);
    for (const [reason, count] of Object.entries(state.failures))
      failures.inc({ sink, reason }, count);
  }
  return registry.metrics();
}

/**
 * Adds to what the management listener shows how shipping goes.
 *
 * @param deps what it shows besides
 * @param shipping states of the sinks, and the ledger's newest position
 * @returns all of it; unchanged while there are no sinks
 */
export function withShipping(
  deps: ManagementDeps,
  shipping: { readonly states: () => readonly SinkState[]; readonly head: () => number },
): ManagementDeps {
  const { states, head } = shipping;
  return {
    ...deps,
    checks: async () => [...(await deps.checks()), ...sinkChecks(states(), head())],
    async metrics() {
      const { contentType, text } = await deps.metrics();
      const own = states().length === 0 ? '' : await sinkMetrics(states(), head());
      return { contentType, text: own === '' ? text : `${text.trimEnd()}\n\n${own}` };
    },
  };
}
