import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { InsecureName } from '../config/config.ts';

/** One line of /readyz. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/** What the management listener shows. */
export interface ManagementDeps {
  readonly checks: () => readonly Check[];
  readonly config: () => {
    readonly hash: string;
    readonly loadedAt: string;
    readonly insecure: readonly InsecureName[];
  };
}

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

/**
 * Builds the management listener's application: health, readiness, configuration.
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
  app.get('/readyz', (_request, response) => {
    const checks = deps.checks();
    const ok = checks.every((check) => check.ok);
    response.status(ok ? 200 : 503).json({ ok, checks, insecure: deps.config().insecure });
  });
  app.get('/config', (_request, response) => {
    response.json(deps.config());
  });
  app.use((_request, response) => {
    response.status(404).json({ code: 'not_found', detail: 'See /healthz, /readyz, /config.' });
  });
  return app;
}
