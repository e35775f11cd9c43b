import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { isEventStream } from '../wire/event-stream.ts';
import type { HeaderList } from '../wire/headers.ts';
import type { IssuerState } from './auth/jwks.ts';
import type { Verification } from './auth/verify.ts';
import type { CertificateExpiry } from './certificate-expiry.ts';
import { createHistogram, type Meter } from './histogram.ts';
import { createTally } from './tally.ts';
import type { SpanFate } from './telemetry/exporter.ts';
import type { ConnectionRefusal } from './limits/connections.ts';
import type { Visit } from './visit.ts';

/** What the pipeline tells of its requests; nothing here may fail or wait. */
export interface RequestMetrics {
  /** An exchange with an API begins. */
  opened(visit: Visit): void;
  /** The API's answer began. */
  answered(visit: Visit, raw: HeaderList): void;
  /** The exchange ended, however. */
  closed(visit: Visit): void;
  /** The request ended, however; `status` is the relay's own answer's, where the visit has none. */
  ended(visit: Visit, status: number): void;
  /** A request that node's parser refused. */
  unparsable(status: number, code: string): void;
}

/** What is only asked for when somebody reads the metrics. */
export interface MetricSources {
  readonly issuers: () => readonly IssuerState[];
  readonly upstreams: () => readonly {
    readonly api: string;
    readonly upstream: string;
    readonly isUsed: boolean;
  }[];
  readonly audit: () => { readonly head: number; readonly lagMs: number };
  readonly certificates: () => readonly CertificateExpiry[];
  readonly config: () => { readonly loadedAtMs: number; readonly lastReloadFailed: boolean };
}

/** The relay's figures, in a registry of their own. */
export interface Metrics extends RequestMetrics {
  readonly verified: (verification: Verification) => void;
  /** A connection was closed before anything was read from it. */
  readonly connectionRefused: (reason: ConnectionRefusal) => void;
  /** Spans were sent, or were not. */
  readonly spans: (result: SpanFate, count: number) => void;
  readonly contentType: string;
  /** The text of `/metrics`. */
  read(sources: MetricSources): Promise<string>;
}

/** One API's figures, found once a request. */
interface ApiMeters {
  readonly duration: Meter;
  readonly upstream: Meter;
  readonly open: Record<Visit['kind'], number>;
}

const KINDS: readonly Visit['kind'][] = ['http', 'sse', 'websocket'];
/** Where a request has no API, or no refusal: an empty label would mean an absent one. */
const NONE = 'none';
const BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function createGauges(registry: Registry): (sources: MetricSources, nowMs: number) => void {
  const gauge = <T extends string>(name: string, help: string, labelNames: T[]): Gauge<T> =>
    new Gauge({ name: `latchkey_${name}`, help, labelNames, registers: [registry] });
  const keysAge = gauge('jwks_age_seconds', 'Since the keys were last fetched.', ['issuer']);
  const ready = gauge('issuer_ready', '1 while tokens of the issuer can be judged.', ['issuer']);
  const healthy = gauge('upstream_healthy', '1 while the address is used.', ['api', 'upstream']);
  const lag = gauge('audit_lag_seconds', 'Age of the oldest record that waits for its commit.', []);
  const head = gauge('audit_head_seq', 'Number of the newest record.', []);
  const loaded = gauge(
    'config_loaded_timestamp_seconds',
    'When the configuration took effect.',
    [],
  );
  const expiry = gauge(
    'certificate_expiry_timestamp_seconds',
    "When the listener's certificate ends; name is the first that it is for.",
    ['name'],
  );
  const failed = gauge('config_reload_failed', '1 while the last reload was refused.', []);
  return (sources, nowMs) => {
    // What a reload removed must not stay behind.
    for (const labelled of [keysAge, ready, healthy, expiry]) labelled.reset();
    for (const { issuer, ready: isReady, fetchedAtMs } of sources.issuers()) {
      ready.set({ issuer }, isReady ? 1 : 0);
      if (fetchedAtMs !== undefined) keysAge.set({ issuer }, (nowMs - fetchedAtMs) / 1000);
    }
    for (const { api, upstream, isUsed } of sources.upstreams())
      healthy.set({ api, upstream }, isUsed ? 1 : 0);
    for (const { name, expiresAtMs } of sources.certificates())
      expiry.set({ name }, expiresAtMs / 1000);
    const audit = sources.audit();
    lag.set(audit.lagMs / 1000);
    head.set(audit.head);
    const config = sources.config();
    loaded.set(config.loadedAtMs / 1000);
    failed.set(config.lastReloadFailed ? 1 : 0);
  };
}

/**
 * Makes the relay's metrics. Counts are kept in plain numbers and given to the registry when it is
 * read, so that a request costs a few additions. Labels are bounded: APIs and issuers come from the
 * configuration, codes from a closed list.
 *
 * @param deps `now`: the clock, epoch ms; `processDefaults`: whether the process is watched too
 * @returns the metrics
 */
export function createMetrics(deps: {
  readonly now: () => number;
  readonly processDefaults: boolean;
}): Metrics {
  const { now } = deps;
  const registry = new Registry();
  const registers = [registry];
  const duration = createHistogram(registry, {
    name: 'latchkey_request_duration_seconds',
    help: 'From the request to the end of its answer; WebSockets are not among them.',
    label: 'api',
    buckets: BUCKETS_SECONDS,
  });
  const upstream = createHistogram(registry, {
    name: 'latchkey_upstream_duration_seconds',
    help: "From the request's departure to the first byte of the API's answer.",
    label: 'api',
    buckets: BUCKETS_SECONDS,
  });
  const streams = new Gauge({
    name: 'latchkey_active_streams',
    help: 'Exchanges under way: websocket, sse, or http for all others, long downloads among them.',
    labelNames: ['api', 'kind'],
    registers,
  });
  const requests = createTally(
    new Counter({
      name: 'latchkey_requests_total',
      help: 'Requests that ended.',
      labelNames: ['api', 'decision', 'code', 'status'],
      registers,
    }),
  );
  const verifications = createTally(
    new Counter({
      name: 'latchkey_token_verifications_total',
      help: 'Tokens judged; result is ok or the code of the refusal.',
      labelNames: ['issuer', 'result', 'path'],
      registers,
    }),
  );
  const refused = new Counter({
    name: 'latchkey_connections_refused_total',
    help: 'Connections closed at once; reason is all or address, whose bound was met, or proxy: no trusted proxy said whose it is.',
    labelNames: ['reason'],
    registers,
  });
  const spans = new Counter({
    name: 'latchkey_spans_total',
    help: 'Spans of traces; result is exported, failed: the collector did not take them, or dropped: too many waited.',
    labelNames: ['result'],
    registers,
  });
  const setGauges = createGauges(registry);
  if (deps.processDefaults) collectDefaultMetrics({ register: registry });
  const meters = new Map<string, ApiMeters>();

  function meterOf(visit: Visit): ApiMeters {
    const api = visit.api ?? NONE;
    let meter = meters.get(api);
    if (meter === undefined) {
      const open = { http: 0, sse: 0, websocket: 0 };
      meter = { duration: duration.meter(api), upstream: upstream.meter(api), open };
      meters.set(api, meter);
    }
    return meter;
  }

  return {
    opened(visit) {
      visit.sentAtMs = now();
      meterOf(visit).open[visit.kind] += 1;
    },
    answered(visit, raw) {
      const meter = meterOf(visit);
      meter.upstream.observe(Math.max(0, now() - (visit.sentAtMs ?? now())) / 1000);
      if (visit.kind !== 'http' || !isEventStream(raw)) return;
      meter.open.http -= 1;
      meter.open.sse += 1;
      visit.kind = 'sse';
    },
    closed(visit) {
      meterOf(visit).open[visit.kind] -= 1;
    },
    ended(visit, status) {
      const { code = NONE } = visit;
      const decision = visit.decision ?? (code === NONE ? 'allow' : 'deny');
      requests.add(visit.api ?? NONE, decision, code, String(visit.status ?? status));
      if (visit.kind === 'websocket') return;
      meterOf(visit).duration.observe(Math.max(0, now() - visit.startedAtMs) / 1000);
    },
    unparsable: (status, code) => requests.add(NONE, 'deny', code, String(status)),
    connectionRefused: (reason) => refused.inc({ reason }),
    spans: (result, count) => spans.inc({ result }, count),
    verified: ({ issuer, result, path }) => verifications.add(issuer, result, path),
    contentType: registry.contentType,
    async read(sources) {
      requests.publish();
      verifications.publish();
      for (const [api, { open }] of meters)
        if (api !== NONE) for (const kind of KINDS) streams.set({ api, kind }, open[kind]);
      setGauges(sources, now());
      return await registry.metrics();
    },
  };
}
