import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { InsecureName } from '../config/config.ts';
import type { ConfigFault } from '../config/faults.ts';
import { mountReload, type ReloadDeps } from './reload.ts';
import { mountRevocations, type RevocationsDeps } from './revocations.ts';

/** One line of /readyz. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
  /** Of an issuer whose keys were fetched. */
  readonly keys?: number;
  readonly keysAgeSeconds?: number;
}

/** What is shown of the configuration. */
export interface ConfigFacts {
  readonly hash: string;
  readonly loadedAt: string;
  readonly insecure: readonly InsecureName[];
  /** Absent unless the last reload was refused; what is in effect is the one before. */
  readonly lastReloadFailure?: { readonly at: string; readonly faults: readonly ConfigFault[] };
}

/** What the management listener shows. */
export interface ManagementDeps {
  readonly checks: () => readonly Check[] | Promise<readonly Check[]>;
  readonly config: () => ConfigFacts;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly reload: ReloadDeps['reload'];
  readonly revocations: RevocationsDeps;
}

const READ_ONLY = ['/healthz', '/readyz', '/config', '/metrics'];
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?$/i;

/** A web page must not reach this listener, by DNS rebinding or otherwise. */
function guard(request: Request, response: Response, next: NextFunction): void {
  const host = request.headers.host ?? '';
  const local = `${request.socket.localAddress?.replace(/^::ffff:/, '')}:${request.socket.localPort}`;
  if (!LOOPBACK.test(host) && host !== local) {
    response.status(403).json({ code: 'foreign_host', detail: 'Host must be this listener.' });
    return;
  }
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    response
      .status(403)
      .json({ code: 'foreign_origin', detail: 'Other origins get nothing here.' });
    return;
  }
  next();
}

/** In place of Express's own page, which may show a stack. */
function answerFault(_error: unknown, _request: Request, response: Response, next: NextFunction) {
  if (response.headersSent) next(new Error('the answer was cut'));
  else response.status(400).json({ code: 'bad_request', detail: 'The request is not understood.' });
}

/**
 * Builds the management listener's application: health, readiness, configuration, metrics,
 * and the calls by which operators reload it and end sessions.
 *
 * @param deps where the facts come from
 * @returns an Express application
 */
export function createManagement(deps: ManagementDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(guard);
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.get('/healthz', (_request, response) => {
    response.json({ ok: true });
  });
  app.get('/readyz', async (_request, response) => {
    const checks = await deps.checks();
    const ok = checks.every((check) => check.ok);
    response.status(ok ? 200 : 503).json({ ok, checks, insecure: deps.config().insecure });
  });
  app.get('/config', (_request, response) => {
    response.json(deps.config());
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await deps.metrics();
    response.set('Content-Type', contentType).end(text);
  });
  app.all(READ_ONLY, (_request, response) => {
    response.status(405).set('Allow', 'GET, HEAD').json({ code: 'method', detail: 'Use GET.' });
  });
  mountReload(app, deps);
  mountRevocations(app, deps.revocations);
  app.use((_request, response) => {
    response
      .status(404)
      .json({ code: 'not_found', detail: 'See /healthz, /readyz, /config, /metrics.' });
  });
  app.use(answerFault);
  return app;
}
