import { writeTraceparent, type TraceContext } from '../../wire/trace.ts';
import type { Visit } from '../visit.ts';
import { addressAttributes, methodNames, type Attribute, type SpanSink } from './span.ts';

/** The spans of one request that is recorded: one of the relay's own, one for each try at an API. */
export interface RequestTrace {
  /** Whoever calls is known. */
  authenticated(): void;
  /** The decision is committed. */
  recorded(rule: string | undefined): void;
  /** The request goes to an address, for the first time or once more. */
  sending(url: string): void;
  /** The API's answer began. */
  answered(status: number): void;
  /** The try is over; `code` says why it failed. */
  sent(code?: string): void;
  /** The request is over; `status` is the relay's own answer's, where the visit has none. */
  ended(status: number): void;
}

/** What spans are made with. */
export interface TraceDeps {
  readonly sink: SpanSink;
  /** Hex of as many random bytes. */
  readonly random: (bytes: number) => string;
  /** Whether paths are told. */
  readonly paths: boolean;
}

type Attributes = Record<string, Attribute>;
type Event = { readonly name: string; readonly atMs: number };

/** One that has not ended. */
interface OpenSpan {
  readonly spanId: string;
  readonly startMs: number;
  readonly events: Event[];
  readonly attributes: Attributes;
}

const FLAGS = '01';

/** Milliseconds that a trace can be read by, without the steps that a clock may make. */
function createClock(startMs: number): () => number {
  const origin = performance.now();
  return () => startMs + (performance.now() - origin);
}

function serverAttributes(visit: Visit, status: number, paths: boolean): Attributes {
  const { target, code, api } = visit;
  const decision = visit.decision ?? (code === undefined ? 'allow' : 'deny');
  return {
    'http.request.method': methodNames(target?.method).attribute,
    'http.response.status_code': status,
    'latchkey.request_id': visit.requestId,
    'latchkey.decision': decision,
    ...(api === undefined ? {} : { 'latchkey.api': api }),
    ...(code === undefined ? {} : { 'latchkey.code': code }),
    ...(status < 500 ? {} : { 'error.type': code ?? String(status) }),
    ...(paths && target !== undefined ? { 'url.path': target.path } : {}),
  };
}

/**
 * Begins the spans of a request that is recorded. What the next hop is told is kept in the visit:
 * the span of the try that goes to it.
 *
 * @param visit the request's story, from which the relay's span takes what it says
 * @param context where the trace comes from
 * @param deps where the spans go
 * @returns hears of each step
 * @see OpenTelemetry, Semantic conventions for HTTP spans
 */
export function traceRequest(visit: Visit, context: TraceContext, deps: TraceDeps): RequestTrace {
  const { sink, random } = deps;
  const { traceId, parentId } = context;
  const clock = createClock(visit.startedAtMs);
  const server: OpenSpan = {
    spanId: random(8),
    startMs: visit.startedAtMs,
    events: [],
    attributes: {},
  };
  let client: OpenSpan | undefined;
  let tries = 0;
  /** Where the try may be that comes next. */
  let nextId = random(8);
  visit.traceparent = writeTraceparent(traceId, nextId, FLAGS);

  const note = (span: OpenSpan, name: string): void => {
    span.events.push({ name, atMs: clock() });
  };

  function endTry(code: string | undefined): void {
    if (client === undefined) return;
    const { attributes } = client;
    const status = attributes['http.response.status_code'];
    const isFailure = typeof status === 'number' && status >= 400;
    const error = code ?? (isFailure ? String(status) : undefined);
    if (error !== undefined) attributes['error.type'] = error;
    sink({
      ...client,
      name: `${methodNames(visit.target?.method).word} ${visit.api ?? ''}`.trimEnd(),
      kind: 'client',
      traceId,
      parentId: server.spanId,
      isParentRemote: false,
      endMs: clock(),
      isError: error !== undefined,
    });
    client = undefined;
  }

  return {
    authenticated: () => note(server, 'latchkey.authenticated'),
    recorded(rule) {
      note(server, 'latchkey.recorded');
      if (rule !== undefined) server.attributes['latchkey.rule'] = rule;
    },
    sending(url) {
      const attributes: Attributes = {
        'http.request.method': methodNames(visit.target?.method).attribute,
        ...addressAttributes(url),
        ...(tries === 0 ? {} : { 'http.request.resend_count': tries }),
      };
      if (tries > 0) {
        nextId = random(8);
        visit.traceparent = writeTraceparent(traceId, nextId, FLAGS);
      }
      client = { spanId: nextId, startMs: clock(), events: [], attributes };
      tries += 1;
    },
    answered(status) {
      if (client === undefined) return;
      note(client, 'latchkey.answer_began');
      client.attributes['http.response.status_code'] = status;
    },
    sent: endTry,
    ended(status) {
      const final = visit.status ?? status;
      sink({
        ...server,
        name: `${methodNames(visit.target?.method).word} ${visit.api ?? ''}`.trimEnd(),
        kind: 'server',
        traceId,
        parentId,
        isParentRemote: true,
        endMs: clock(),
        attributes: { ...serverAttributes(visit, final, deps.paths), ...server.attributes },
        isError: final >= 500,
      });
    },
  };
}
