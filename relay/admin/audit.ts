import type { NextFunction, Request, RequestHandler, Response, Express } from 'express';
import type { AuditPage } from '../../audit/query.ts';
import { AuditError } from '../../audit/errors.ts';
import { type AuditFilter, BadAsk, matchesFilter, readAsk, readStreamAsk } from './audit-filter.ts';
import type { AuditStreams } from './audit-stream.ts';
import type { LedgerReader } from './ledger-reader.ts';
import { refuseMethod, sendProblem } from './problem.ts';
import type { ReadLog } from './read-log.ts';
import type { Reader } from './reader.ts';

/** What reading the audit over HTTP needs. */
export interface AuditDeps {
  readonly ledger: Pick<LedgerReader, 'run'>;
  readonly reads: ReadLog;
  readonly streams: AuditStreams;
  /** The newest record's `seq`. */
  readonly head: () => number;
  /** Who asks; it was let in already. */
  readonly readerOf: (request: Request) => Reader;
  /** Whether who asked may still listen. */
  readonly isWelcome: (request: Request) => boolean;
}

/** The query's parameters as they were written. */
export function parametersOf(request: Request): URLSearchParams {
  const at = request.originalUrl.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : request.originalUrl.slice(at));
}

/**
 * Answers for what went wrong while the audit was read.
 *
 * @param error anything
 * @param _request not looked at
 * @param response the answer
 * @param next for what cannot be answered any more
 */
export function answerReadFault(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  const code = error instanceof AuditError ? error.code : undefined;
  if (response.headersSent) next(error);
  else if (error instanceof BadAsk || code === 'audit_query')
    sendProblem(response, 400, 'bad_request', (error as Error).message);
  else if (code !== undefined) {
    response.set('Retry-After', '5');
    sendProblem(response, 503, 'audit_unavailable', (error as Error).message);
  } else next(error);
}

/**
 * Lets Express hear of what an asynchronous handler throws.
 *
 * @param serve the handler
 * @returns what Express calls
 */
export function route(
  serve: (request: Request, response: Response) => Promise<void>,
): RequestHandler {
  return async (request, response, next) => {
    try {
      await serve(request, response);
    } catch (error) {
      next(error);
    }
  };
}

/**
 * Adds `GET /audit` and `GET /audit/stream`. No record is shown before the read is recorded itself.
 *
 * @param app the management listener's application; whoever gets here may read
 * @param deps the ledger, and who asks
 */
export function mountAudit(app: Express, deps: AuditDeps): void {
  const { ledger, reads, streams } = deps;

  /** A person's name must not stay in a record about somebody else: erasing the person would not reach it. */
  async function shown(filter: AuditFilter): Promise<Readonly<Record<string, unknown>>> {
    const { user } = filter;
    if (user === undefined) return { ...filter };
    return { ...filter, user: await ledger.run('pseudonym', user) };
  }

  async function page(request: Request, response: Response): Promise<void> {
    const { filter, before, ...paging } = readAsk(parametersOf(request));
    await reads.note(deps.readerOf(request), 'audit', await shown(filter));
    const found: AuditPage = await ledger.run('page', { ...filter, ...paging }, before);
    response.json(found);
  }

  async function listen(request: Request, response: Response): Promise<void> {
    const { filter, after } = readStreamAsk(parametersOf(request));
    const last = request.headers['last-event-id'];
    const resumed = typeof last === 'string' && /^[0-9]{1,15}$/.test(last) ? Number(last) : after;
    if (!streams.hasRoom()) {
      response.set('Retry-After', '30');
      sendProblem(response, 503, 'too_many_streams', 'Too many listen at this time; try again.');
      return;
    }
    await reads.note(deps.readerOf(request), 'audit stream', await shown(filter));
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    streams.open(request, response, {
      matches: (record) => matchesFilter(record, filter),
      isWelcome: () => deps.isWelcome(request),
      // Beyond the head: what the client has is of another ledger.
      ...(resumed === undefined || resumed > deps.head() ? {} : { after: resumed }),
    });
  }

  app.get('/audit', route(page));
  app.get('/audit/stream', route(listen));
  app.all(['/audit', '/audit/stream'], (_request, response) => {
    refuseMethod(response, ['GET', 'HEAD']);
  });
  app.use('/audit', answerReadFault);
}
