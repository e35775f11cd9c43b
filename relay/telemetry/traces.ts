import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createRandomHex } from '../../wire/pooled-random.ts';
import type { TraceContext } from '../../wire/trace.ts';
import type { TelemetryConfig } from '../config/config.ts';
import type { Visit } from '../visit.ts';
import type { Exporter, SpanFate } from './exporter.ts';
import { traceRequest, type RequestTrace, type TraceDeps } from './request-trace.ts';
import { isKept } from './sampling.ts';

/** Records the spans of some requests; of none where no collector is configured. */
export interface Traces {
  /** Decides whether a request is recorded: as its caller does or, where nobody has decided, by the ratio. */
  begin(visit: Visit, context: TraceContext): RequestTrace | undefined;
  /** Opens what the next configuration needs; nothing changes yet. */
  prepare(config: TelemetryConfig | undefined): Promise<void>;
  /** Puts what was prepared into effect. */
  adopt(): void;
  /** Sends what is left, for so long at most. */
  close(timeoutMs: number): Promise<void>;
}

/** What traces are made with. */
export interface TracesDeps {
  readonly version: string;
  readonly log: (event: Record<string, unknown>) => void;
  readonly count: (fate: SpanFate, spans: number) => void;
}

/** A configuration at work. */
interface Active {
  readonly config: TelemetryConfig;
  readonly exporter: Exporter;
  readonly deps: TraceDeps;
}

/** For the spans of a configuration that was replaced. */
const REPLACED_MS = 5_000;

/**
 * Makes the traces, without a collector at first.
 *
 * @param deps version, log, and what counts spans
 * @returns the traces
 */
export function createTraces(deps: TracesDeps): Traces {
  const random = createRandomHex();
  const instanceId = randomUUID();
  let active: Active | undefined;
  let prepared: { readonly next: Active | undefined } | undefined;

  async function open(config: TelemetryConfig): Promise<Active> {
    const { openExporter } = await import('./exporter.ts');
    const exporter = openExporter(config, { ...deps, instanceId });
    return { config, exporter, deps: { sink: exporter.add, random, paths: config.traces.paths } };
  }

  return {
    begin(visit, context) {
      if (active === undefined) return undefined;
      const isRecorded = context.sampled ?? isKept(context.traceId, active.config.traces.ratio);
      return isRecorded ? traceRequest(visit, context, active.deps) : undefined;
    },
    async prepare(config) {
      const isSame = isDeepStrictEqual(config, active?.config);
      prepared = { next: isSame ? active : config && (await open(config)) };
    },
    adopt() {
      if (prepared === undefined) return;
      const before = active;
      active = prepared.next;
      prepared = undefined;
      if (before !== active) void before?.exporter.close(REPLACED_MS);
    },
    async close(timeoutMs) {
      await active?.exporter.close(timeoutMs);
      active = undefined;
    },
  };
}
