import http, { type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it arrives (OTLP, JSON). */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 is SERVER, 3 is CLIENT. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly events: readonly string[];
  /** 2 is an error. */
  readonly status: number;
  readonly service: string;
}

/** An OTLP/HTTP receiver that keeps what it gets, or does as it is told. */
export interface Collector {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** The headers of each post. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** All bodies, as they came. */
  readonly text: () => string;
  /** Answers in its place; nothing is kept then. */
  answer(handler: ((response: ServerResponse) => void) | undefined): void;
  close(): Promise<void>;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}

interface Keyed {
  readonly key: string;
  readonly value: Value;
}

interface Body {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Keyed[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<
        ReceivedSpan,
        'attributes' | 'events' | 'status' | 'service'
      > & {
        readonly attributes: readonly Keyed[];
        readonly events?: readonly { readonly name: string }[];
        readonly status?: { readonly code?: number };
      })[];
    }[];
  }[];
}

function plain(attributes: readonly Keyed[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}

function spansOf(body: Body): ReceivedSpan[] {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        attributes: plain(span.attributes),
        events: (span.events ?? []).map(({ name }) => name),
        status: span.status?.code ?? 0,
        service: String(plain(resource.attributes)['service.name']),
      })),
    ),
  );
}

/** Starts a collector on loopback. */
export async function createCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const bodies: string[] = [];
  let instead: ((response: ServerResponse) => void) | undefined;
  const server = http.createServer((request, response) => {
    headers.push(request.headers);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (instead !== undefined) return instead(response);
      const text = Buffer.concat(chunks).toString('utf8');
      bodies.push(text);
      spans.push(...spansOf(JSON.parse(text) as Body));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    headers,
    text: () => bodies.join('\n'),
    answer(handler) {
      instead = handler;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
