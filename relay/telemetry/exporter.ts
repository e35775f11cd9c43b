// Loaded only where traces are configured: these packages are memory that others need not pay for.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TelemetryConfig } from '../config/config.ts';
import type { SpanRecord, SpanSink } from './span.ts';

/** What becomes of spans. */
export type SpanFate = 'exported' | 'failed' | 'dropped';

/** Carries spans to a collector, in the background. */
export interface Exporter {
  readonly add: SpanSink;
  /** Sends what is left, for so long at most. */
  close(timeoutMs: number): Promise<void>;
}

/** What an exporter works with. */
export interface ExporterDeps {
  readonly version: string;
  readonly instanceId: string;
  readonly log: (event: Record<string, unknown>) => void;
  readonly count: (fate: SpanFate, spans: number) => void;
}

/** Those that wait and those on their way; further ones are dropped and counted. */
const MAX_SPANS = 8_192;
const BATCH = 512;
const DELAY_MS = 1_000;
/** ExportResultCode.SUCCESS, of a package that is not ours to name. */
const EXPORTED = 0;
/** For a batch, its repetitions included. */
const EXPORT_MS = 5_000;

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function contextOf(traceId: string, spanId: string, isRemote: boolean): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote };
}

/** Of what the collector says only the status: its words may repeat what it was sent. */
function problemOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  if (typeof code === 'number') return `answered ${code}`;
  return typeof code === 'string' ? `cannot be reached (${code})` : 'takes no spans';
}

/** Tells of failures once, and never passes them on: nobody can do anything about them here. */
function watched(inner: SpanExporter, url: string, deps: ExporterDeps, gone: (n: number) => void) {
  let problem: string | undefined;
  function note(error: unknown): void {
    const now = problemOf(error);
    if (now !== problem)
      deps.log({ event: 'telemetry_problem', endpoint: url, problem: `the collector ${now}` });
    problem = now;
  }
  const exporter: SpanExporter = {
    export(spans, done) {
      inner.export(spans, (result) => {
        const code: number = result.code;
        const isFine = code === EXPORTED;
        if (!isFine) note(result.error);
        else if (problem !== undefined) {
          problem = undefined;
          deps.log({ event: 'telemetry_recovered', endpoint: url });
        }
        gone(spans.length);
        deps.count(isFine ? 'exported' : 'failed', spans.length);
        done({ code: EXPORTED });
      });
    },
    shutdown: () => inner.shutdown(),
  };
  return exporter;
}

/** Spans without a resource and a scope of their own. */
function createConversion(config: TelemetryConfig, deps: ExporterDeps) {
  const shared = {
    links: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    instrumentationScope: { name: 'latchkey', version: deps.version },
    resource: resourceFromAttributes({
      'service.name': config.serviceName,
      'service.version': deps.version,
      'service.instance.id': deps.instanceId,
    }),
  };
  return (span: SpanRecord): ReadableSpan => {
    const context = contextOf(span.traceId, span.spanId, false);
    return {
      ...shared,
      name: span.name,
      kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
      spanContext: () => context,
      ...(span.parentId === undefined
        ? {}
        : { parentSpanContext: contextOf(span.traceId, span.parentId, span.isParentRemote) }),
      startTime: hrTime(span.startMs),
      endTime: hrTime(span.endMs),
      duration: hrTime(Math.max(0, span.endMs - span.startMs)),
      status: { code: span.isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: { ...span.attributes },
      events: span.events.map(({ name, atMs }) => ({ name, time: hrTime(atMs) })),
    };
  };
}

/**
 * Opens an exporter: OTLP over HTTP, in batches, a bounded number of spans at a time. A collector that
 * is down, slow or hostile costs spans, never a request.
 *
 * @param config where spans go
 * @param deps version, log, and what counts
 * @returns the exporter; nothing is sent before the first span
 * @see OpenTelemetry Protocol 1.x, OTLP/HTTP
 */
export function openExporter(config: TelemetryConfig, deps: ExporterDeps): Exporter {
  const { url, headers, ca } = config.traces;
  const agent = url.startsWith('https:')
    ? new HttpsAgent({
        keepAlive: true,
        maxSockets: 2,
        // Whatever the environment says.
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca }),
      })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  let held = 0;
  const inner = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: EXPORT_MS,
    httpAgentOptions: () => agent,
  });
  const exporter = watched(inner, url, deps, (spans) => {
    held -= spans;
  });
  const processor = new BatchSpanProcessor(exporter, {
    maxQueueSize: MAX_SPANS,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: DELAY_MS,
    // Longer than the exporter's own, which is the one that counts.
    exportTimeoutMillis: 2 * EXPORT_MS,
  });
  const convert = createConversion(config, deps);
  return {
    add(span) {
      if (held >= MAX_SPANS) {
        deps.count('dropped', 1);
        return;
      }
      held += 1;
      processor.onEnd(convert(span));
    },
    async close(timeoutMs) {
      const flushed = processor.shutdown().catch(() => {});
      await Promise.race([flushed, sleep(timeoutMs, undefined, { ref: false })]);
      if (held > 0) deps.log({ event: 'telemetry_unsent', endpoint: url, spans: held });
      agent.destroy();
    },
  };
}
