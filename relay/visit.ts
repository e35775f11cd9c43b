import type { IncomingMessage } from 'node:http';
import { clientAddress } from '../wire/forwarded.ts';
import type { Target } from '../wire/target.ts';
import { continueTrace } from '../wire/trace.ts';
import type { OpenRecord } from '../audit/ledger.ts';
import type { AuditFields, ClosedBy } from '../audit/record.ts';
import type { Principal } from './auth/principal.ts';
import type { Verdict } from './policy/verdict.ts';
import type { Api, Runtime } from './runtime.ts';
import type { RequestTrace } from './telemetry/request-trace.ts';
import type { Traces } from './telemetry/traces.ts';
import { readToolName } from './tool-name.ts';

/** In place of the status of an answer that nobody waited for. */
export const CLIENT_LEFT = 499;

/** One request's story: made when it arrives, filled as each step succeeds. */
export interface Visit {
  /** Another one's in the end, where the audit knows this one already. */
  requestId: string;
  readonly ip: string;
  readonly method: string;
  readonly startedAtMs: number;
  /** What sent it, as the app says. */
  readonly tool?: string | undefined;
  readonly traceId: string;
  /** What the next hop is told. */
  traceparent: string;
  /** Whether the caller's `tracestate` goes with it. */
  readonly keepsState: boolean;
  /** Hears of each step, where the request's trace is recorded. */
  readonly trace: RequestTrace | undefined;
  target?: Target;
  principal?: Principal;
  /** The DPoP nonce to offer with the answer (RFC 9449 §8.2). */
  nonce?: string;
  /** What the metrics count it as. */
  kind: 'http' | 'sse' | 'websocket';
  /** The API's name, once a decision about it is committed. */
  api?: string;
  decision?: 'allow' | 'deny';
  /** What is on record of it until it is answered. */
  open?: {
    readonly record: OpenRecord | undefined;
    readonly end: { readonly upstream?: string; readonly closedBy: ClosedBy };
  };
  /** When it went on to the API, epoch ms. */
  sentAtMs?: number;
  /** How the exchange ended; absent where the relay answered itself. */
  status?: number;
  /** Why it was refused, or failed. */
  code?: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Begins a request's story.
 *
 * @param request the request as received
 * @param requestId its ULID
 * @param runtime for the proxies whose word on the client's address is believed
 * @param nowMs epoch ms
 * @param traces records some
 * @returns the story so far
 */
export function beginVisit(
  request: IncomingMessage,
  requestId: string,
  runtime: Runtime,
  nowMs: number,
  traces: Pick<Traces, 'begin'>,
): Visit {
  const context = continueTrace(request.rawHeaders);
  const visit: Mutable<Visit> = {
    requestId,
    ip: clientAddress(runtime.peerOf(request.socket), request.rawHeaders, runtime.trustedProxies),
    method: request.method ?? '',
    startedAtMs: nowMs,
    tool: readToolName(request.rawHeaders),
    kind: 'http',
    traceId: context.traceId,
    traceparent: context.traceparent,
    keepsState: context.keepsState,
    trace: undefined,
  };
  visit.trace = traces.begin(visit, context);
  return visit;
}

/** The path as it may be recorded: with the query parameters that the API allows, and no other. */
function recordablePath(target: Target, api: Api | undefined): string {
  const allowed = api?.config.audit.query ?? [];
  if (allowed.length === 0 || target.query === '') return target.path;
  const kept = [...new URLSearchParams(target.query)].filter(([name]) => allowed.includes(name));
  return kept.length === 0 ? target.path : `${target.path}?${new URLSearchParams(kept).toString()}`;
}

/** What is undefined is left out of the record: the audit stores members, not gaps. */
type Gapped<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * Describes a decided request for the audit.
 *
 * @param visit what is known of it
 * @param api the API it is for, if any
 * @param verdict the decision; a code alone where policy was not asked
 * @param configHash names the configuration that decided
 * @returns the record's members
 */
export function describeVisit(
  visit: Visit,
  api: Api | undefined,
  verdict: Verdict | { readonly kind: 'deny'; readonly code: string; readonly rule?: string },
  configHash: string,
): AuditFields & { readonly requestId: string } {
  const { principal, target } = visit;
  const fields: Gapped<AuditFields> = {
    requestId: visit.requestId,
    traceId: visit.traceId,
    issuer: principal?.issuer,
    user: principal?.user,
    userName: principal?.userName,
    clientId: principal?.clientId,
    tool: visit.tool === undefined ? undefined : { name: visit.tool },
    ip: visit.ip === '' ? undefined : visit.ip,
    api: api?.config.name,
    rule: verdict.rule,
    method: visit.method,
    path: target === undefined ? undefined : recordablePath(target, api),
    decision: verdict.kind,
    code: verdict.kind === 'deny' ? verdict.code : undefined,
    tokenId: principal?.tokenId,
    authTime: principal?.authTime,
    acr: principal?.acr,
    binding: principal?.binding,
    configHash,
  };
  return fields as AuditFields & { readonly requestId: string };
}

/**
 * Describes how a request ended.
 *
 * @param visit its story
 * @param end status, bytes, who ended it
 * @param nowMs epoch ms
 * @returns the record's members
 */
export function describeEnd(
  visit: Visit,
  end: {
    readonly status: number;
    readonly code?: string;
    readonly upstream?: string;
    readonly bytesIn?: number;
    readonly bytesOut: number;
    readonly closedBy: ClosedBy;
  },
  nowMs: number,
): AuditFields {
  return {
    ...end,
    ...(end.status === 0 ? { status: CLIENT_LEFT } : {}),
    durationMs: Math.max(0, Math.round(nowMs - visit.startedAtMs)),
  };
}
