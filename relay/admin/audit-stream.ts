import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditPage } from '../../audit/query.ts';
import type { AuditRecord } from '../../audit/record.ts';

/** What streams work with. */
export interface StreamDeps {
  /** Committed records, in order; returns the unsubscriber. */
  readonly subscribe: (listener: (records: readonly AuditRecord[]) => void) => () => void;
  /** The newest records before a position; absent: the newest of all. */
  readonly before: (limit: number, before?: number) => Promise<AuditPage>;
  readonly heartbeatMs: number;
  /** How many may listen at one time. */
  readonly maxStreams: number;
}

/** One who listens. */
export interface Listening {
  readonly matches: (record: AuditRecord) => boolean;
  /** The last record that the client has; absent: it wants new ones only. */
  readonly after?: number;
  /** Asked before records are sent, and at each heartbeat: a session may have ended. */
  readonly isWelcome: () => boolean;
}

/** Live streams of the audit (Server-sent events). */
export interface AuditStreams {
  /** Whether another one may listen. */
  hasRoom(): boolean;
  open(request: IncomingMessage, response: ServerResponse, listening: Listening): void;
  /** Ends every stream. */
  close(): void;
}

/** A client that has not read this much is not waited for. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** What is replayed at most; the rest is told as a gap, and can be asked for page by page. */
const MAX_REPLAYED = 5_000;
const PAGE = 1_000;
const DRAIN_MS = 30_000;

const eventOf = (record: AuditRecord): string =>
  `id: ${record.seq}\nevent: record\ndata: ${JSON.stringify(record)}\n\n`;

/** What a client has missed. */
interface Missed {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
  /** From where on they are complete. */
  readonly from: number;
}

async function missed(before: StreamDeps['before'], after: number): Promise<Missed> {
  const newestFirst: AuditRecord[] = [];
  let from = after + 1;
  for (let at: number | undefined; ;) {
    const { records, nextCursor } = await before(PAGE, at);
    for (const record of records) if (record.seq > after) newestFirst.push(record);
    at = records.at(-1)?.seq;
    if (at === undefined || at <= after + 1 || nextCursor === undefined) break;
    if (newestFirst.length < MAX_REPLAYED) continue;
    from = at;
    break;
  }
  return { records: newestFirst.toReversed(), from };
}

/** Waits for a client that reads at all. */
async function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(DRAIN_MS)]);
    await once(response, 'drain', { signal });
  } finally {
    response.off('close', leave);
  }
}

/**
 * Makes the streams.
 *
 * @param deps the ledger, and bounds
 * @returns the streams
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createAuditStreams(deps: StreamDeps): AuditStreams {
  const open = new Set<ServerResponse>();

  function stream(response: ServerResponse, { matches, isWelcome, after }: Listening): void {
    /** The last record that was sent, or that did not match. */
    let seen = after ?? 0;
    /** Since when records were left out, for a client that is too slow. */
    let lost: number | undefined;
    /** What comes while earlier records are looked up. */
    let held: AuditRecord[] | undefined = after === undefined ? undefined : [];

    const gap = (from: number, to: number): void =>
      void response.write(`event: gap\ndata: ${JSON.stringify({ from, to })}\n\n`);

    function pass(record: AuditRecord): void {
      if (record.seq <= seen) return;
      seen = record.seq;
      if (matches(record)) response.write(eventOf(record));
    }

    function send(record: AuditRecord): void {
      if (record.seq <= seen) return;
      if (response.writableLength > MAX_BACKLOG_BYTES) {
        lost ??= record.seq;
        return;
      }
      if (lost !== undefined) gap(lost, record.seq - 1);
      lost = undefined;
      pass(record);
    }

    function isOver(): boolean {
      if (response.writableEnded || response.destroyed) return true;
      if (isWelcome()) return false;
      response.end('event: over\ndata: {}\n\n');
      return true;
    }

    function take(records: readonly AuditRecord[]): void {
      if (isOver()) return;
      if (held === undefined) records.forEach(send);
      else if (held.length < MAX_REPLAYED) held.push(...records);
      else response.destroy();
    }

    async function replay(from: number): Promise<void> {
      const earlier = await missed(deps.before, from);
      if (earlier.from > from + 1) gap(from + 1, earlier.from - 1);
      for (const record of earlier.records) {
        await drained(response);
        if (isOver()) return;
        pass(record);
      }
      if (isOver()) return;
      const waiting = held ?? [];
      held = undefined;
      waiting.forEach(send);
    }

    const unsubscribe = deps.subscribe(take);
    const heartbeat = setInterval(() => {
      if (!isOver() && response.writableLength <= MAX_BACKLOG_BYTES) response.write(': here\n\n');
    }, deps.heartbeatMs).unref();
    response.once('close', () => {
      clearInterval(heartbeat);
      unsubscribe();
      open.delete(response);
    });
    if (after !== undefined) replay(after).catch(() => response.destroy());
  }

  return {
    hasRoom: () => open.size < deps.maxStreams,
    open(request, response, listening) {
      open.add(response);
      request.socket.setNoDelay(true);
      response.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        // Proxies such as nginx would hold events back.
        'X-Accel-Buffering': 'no',
      });
      response.write('retry: 2000\n\n');
      stream(response, listening);
    },
    close() {
      for (const response of open) response.end();
    },
  };
}
