import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import type { Ledger } from '../../audit/ledger.ts';
import { answerReadFault, mountAudit, route } from '../admin/audit.ts';
import { createAuditStreams } from '../admin/audit-stream.ts';
import { sendProblem } from '../admin/problem.ts';
import { createLedgerReader } from '../admin/ledger-reader.ts';
import { createReadLog } from '../admin/read-log.ts';
import type { ManagementConfig } from '../config/config.ts';
import type { Revocable } from '../state/shared-state.ts';
import { type Access, createGate } from './access.ts';
import { type DataSources, mountData } from './data-routes.ts';
import { createPageFiles } from './page-files.ts';
import { createNonce, pageHeaders, sendPlainPage } from './plain-page.ts';
import { mountSignIn } from './sign-in.ts';
import { mountSignOut } from './sign-out.ts';
import { createVerifying } from './verification.ts';

/** What the console works with. */
export interface ConsoleDeps extends DataSources {
  readonly ledger: Pick<Ledger, 'append' | 'subscribe' | 'health'>;
  /** The ledger's directory. */
  readonly auditDir: string;
  /** Of the configuration now in force. */
  readonly management: () => ManagementConfig;
  /** @throws {state_unavailable} it is not known what was revoked */
  readonly isRevoked: (who: Revocable) => boolean;
  /** The listener's own URL, once it listens. */
  readonly url: () => string;
  readonly log: (event: Record<string, unknown>) => void;
}

/** The console on the management listener. */
export interface Console {
  /** Ends streams and threads, and records what is still counted. */
  close(): Promise<void>;
}

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 32;
const SWEEP_MS = 60_000;
/** What the page asks for by itself for as long as it is open: nobody need be there. */
const UNATTENDED = /^\/(?:audit\/stream|console\/api\/(?:status$|summary\?minutes=60$))/i;

/** Before somebody is let in: what a browser shows, or what a program reads. */
function refuse(request: Request, response: Response, access: Access): void {
  if (access.kind === 'open') return;
  const isPage =
    request.method === 'GET' && !/^\/(?:audit|console\/api)(?:[/?]|$)/.test(request.originalUrl);
  if (access.kind === 'closed') {
    const { status, code, detail } = access;
    if (isPage) sendPlainPage(response, { status, title: 'The console is closed', text: detail });
    else sendProblem(response, status, code, detail);
    return;
  }
  if (!isPage) {
    response.set('WWW-Authenticate', 'Cookie realm="console", form-action="/console/sign-in"');
    const detail = 'Sign in to the console first, at /console/sign-in.';
    sendProblem(response, 401, 'signed_out', detail);
    return;
  }
  const to = request.originalUrl;
  if (request.headers['sec-fetch-site'] === 'cross-site')
    // A link from elsewhere comes without the strict cookie; asked for again from here, it comes with it.
    sendPlainPage(response, { status: 200, title: 'One moment', text: 'Opening …', goTo: to });
  else response.redirect(`/console/sign-in?to=${encodeURIComponent(to)}`);
}

/** The page itself, the same for each of its addresses. */
function mountPage(app: Express, bring: ReturnType<typeof createPageFiles>): void {
  async function asset(request: Request, response: Response): Promise<void> {
    const found = (await bring()).assets.get(String(request.params['name']));
    if (found === undefined) {
      sendProblem(response, 404, 'not_found', 'There is no such file.');
      return;
    }
    response
      .set('Cache-Control', 'private, max-age=31536000, immutable')
      .set('X-Content-Type-Options', 'nosniff')
      .set('Content-Type', found.type)
      .end(found.body);
  }

  async function page(_request: Request, response: Response): Promise<void> {
    try {
      const nonce = createNonce();
      const html = (await bring()).html.replaceAll('{nonce}', nonce);
      response.set(pageHeaders(nonce, true)).type('html').send(html);
    } catch {
      sendPlainPage(response, {
        status: 503,
        title: 'The console was not built',
        text: 'Run “npm run build” where the relay is installed; its log says what went wrong.',
      });
    }
  }

  app.get('/console/assets/:name', route(asset));
  app.get(['/', '/console', '/console/:screen', '/console/request/:id'], route(page));
}

/**
 * Adds the console and the audit to the management listener.
 *
 * @param app the listener's application, behind its guard
 * @param deps what the console shows
 * @returns the console
 */
export function mountConsole(app: Express, deps: ConsoleDeps): Console {
  const { ledger, management, log, now } = deps;
  const gate = createGate(deps);
  const reader = createLedgerReader(deps.auditDir);
  const checker = createLedgerReader(deps.auditDir);
  const onError = (error: unknown): void => log({ event: 'audit_error', error: String(error) });
  const reads = createReadLog(ledger, onError);
  const streams = createAuditStreams({
    subscribe: ledger.subscribe,
    before: (limit, before) => reader.run('page', { limit }, before),
    heartbeatMs: HEARTBEAT_MS,
    maxStreams: MAX_STREAMS,
  });
  const verifying = createVerifying(() => checker.run('verify'), now);
  const bring = createPageFiles(log);

  const mayLook: RequestHandler = (request: Request, response: Response, next: NextFunction) => {
    const access = gate.admit(request, UNATTENDED.test(request.originalUrl) ? 'look' : 'use');
    if (access.kind === 'open') next();
    else refuse(request, response, access);
  };

  const sweeping = setInterval(gate.sessions.sweep, SWEEP_MS).unref();
  const signing = { gate, ledger, log, now, origin: () => management().publicUrl ?? deps.url() };
  mountSignIn(app, signing);
  mountSignOut(app, signing);
  app.use(['/audit', '/console'], mayLook);
  app.get('/', mayLook);
  mountAudit(app, {
    ledger: reader,
    reads,
    streams,
    head: () => ledger.health().head,
    readerOf: gate.readerOf,
    isWelcome: (request) => gate.admit(request, 'look').kind === 'open',
  });
  mountData(app, { ...deps, reader, reads, verifying, gate });
  mountPage(app, bring);
  app.use('/console', answerReadFault);
  return {
    async close() {
      clearInterval(sweeping);
      streams.close();
      await reads.close();
      await Promise.all([reader.close(), checker.close()]);
    },
  };
}
