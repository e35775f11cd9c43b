import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { createUlids } from '../../audit/ulid.ts';
import type { InsecureName } from '../config/config.ts';
import { type ConsoleDeps, mountConsole } from '../console/console.ts';
import type { ConfigFault } from '../config/faults.ts';
import type { UpstreamState } from '../generation.ts';
import { createGuard, createLocalGuard } from './guard.ts';
import { refuseMethod, sendProblem } from './problem.ts';
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
  /** How each address of each API is. */
  readonly upstreams: () => readonly UpstreamState[] | Promise<readonly UpstreamState[]>;
}

/** The management listener's application. */
export interface Management {
  readonly app: Express;
  close(): Promise<void>;
}

/** What the console needs beside what the rest of the listener shows. */
export type ConsoleParts = Omit<ConsoleDeps, 'checks' | 'config' | 'upstreams' | 'isRevoked'>;

/** Nothing here is kept, framed, guessed at or put into another origin's page; pages say more of themselves. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};
/** What tells of the configuration or changes something, and asks nobody to sign in. */
const OPERATORS_ONLY = ['/config', '/reload', '/revocations'];
const SEE = 'See /healthz, /readyz, /config, /metrics, /reload, /revocations';
const READ_ONLY = ['/healthz', '/readyz', '/config', '/metrics'];
/** In place of Express's own page, which may show a stack. */
function answerFault(_error: unknown, _request: Request, response: Response, next: NextFunction) {
  if (response.headersSent) next(new Error('the answer was cut'));
  else sendProblem(response, 400, 'bad_request', 'The request is not understood.');
}

/**
 * Builds the management listener's application: health, readiness, configuration, metrics,
 * and the calls by which operators reload it and end sessions.
 *
 * @param deps where the facts come from
 * @param parts for the console and the audit
 * @returns the application
 */
export function createManagement(deps: ManagementDeps, parts: ConsoleParts): Management {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const ids = createUlids();
  app.use((_request, response, next) => {
    response.set(HEADERS).set('X-Request-Id', ids(Date.now()));
    next();
  });
  app.use(createGuard(() => parts.management().publicUrl));
  app.use(
    OPERATORS_ONLY,
    createLocalGuard(() => parts.management().listen),
  );
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
    refuseMethod(response, ['GET', 'HEAD']);
  });
  mountReload(app, deps);
  mountRevocations(app, deps.revocations);
  const { isRevoked } = deps.revocations.state;
  const shown = parts.management().console
    ? mountConsole(app, { ...deps, ...parts, isRevoked })
    : undefined;
  app.use((_request, response) => {
    sendProblem(response, 404, 'not_found', shown === undefined ? SEE : `${SEE}, /audit, /`);
  });
  app.use(answerFault);
  return { app, close: async () => shown?.close() };
}
