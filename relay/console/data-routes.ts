import type { Express, Request, RequestHandler, Response } from 'express';
import type { Ledger } from '../../audit/ledger.ts';
import { parametersOf, route } from '../admin/audit.ts';
import { BadAsk, readParameters } from '../admin/audit-filter.ts';
import type { LedgerReader } from '../admin/ledger-reader.ts';
import type { Check, ConfigFacts } from '../admin/management.ts';
import type { ReadLog } from '../admin/read-log.ts';
import { sendProblem } from '../admin/problem.ts';
import { requireJson } from '../admin/require-json.ts';
import type { ApiConfig } from '../config/api-config.ts';
import type { UpstreamState } from '../generation.ts';
import type { Gate } from './access.ts';
import type { ApiView, SessionView, StatusView, StoryView } from './data.ts';
import type { Verifying } from './verification.ts';

/** Where the console's facts come from. */
export interface DataSources {
  readonly checks: () => readonly Check[] | Promise<readonly Check[]>;
  readonly config: () => ConfigFacts;
  readonly apis: () => readonly ApiConfig[];
  readonly upstreams: () => readonly UpstreamState[] | Promise<readonly UpstreamState[]>;
  readonly ledger: Pick<Ledger, 'health'>;
  readonly version: string;
  readonly now: () => number;
}

interface DataDeps extends DataSources {
  readonly reader: Pick<LedgerReader, 'run'>;
  readonly reads: ReadLog;
  readonly verifying: Verifying;
  readonly gate: Pick<Gate, 'readerOf'>;
}

const MAX_MINUTES = 40_320;
const MAX_STORY = 200;

function minutesOf(request: Request): number {
  const text = readParameters(parametersOf(request), ['minutes']).get('minutes') ?? '60';
  const minutes = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (minutes < 1 || minutes > MAX_MINUTES)
    throw new BadAsk(`\`minutes\` must be a whole number from 1 to ${MAX_MINUTES}.`);
  return minutes;
}

/** For resources that are one whole: what would narrow them is not silently left aside. */
const withoutParameters: RequestHandler = (request, _response, next) => {
  readParameters(parametersOf(request), []);
  next();
};

function apiView(api: ApiConfig, states: readonly UpstreamState[]): ApiView {
  const { name, title, description, path, hosts, rules } = api;
  return {
    name,
    title,
    ...(description === undefined ? {} : { description }),
    path,
    hosts,
    rules: rules.map((rule) => rule.name),
    isAuditRequired: api.audit.required,
    upstreams: states
      .filter((state) => state.api === name)
      .map(({ upstream, isUsed, problem }) => ({
        upstream,
        isUsed,
        ...(problem === undefined ? {} : { problem }),
      })),
  };
}

/**
 * Adds what the console's page asks for, below `/console/api`. Reads only.
 *
 * @param app the management listener's application; whoever gets here may read
 * @param deps where the facts come from
 */
export function mountData(app: Express, deps: DataDeps): void {
  const { reader, reads, verifying, gate, now } = deps;

  function session(request: Request, response: Response): void {
    const { person } = gate.readerOf(request);
    const { user, userName } = person ?? {};
    const view: SessionView = {
      version: deps.version,
      ...(user === undefined
        ? {}
        : { person: { user, ...(userName === undefined ? {} : { name: userName }) } }),
    };
    response.json(view);
  }

  async function status(_request: Request, response: Response): Promise<void> {
    const [checks, checkpoint] = await Promise.all([deps.checks(), reader.run('checkpoint')]);
    const { head, lagMs, problem } = deps.ledger.health();
    const fromMs = verifying.fromMs();
    const view: StatusView = {
      checks,
      config: deps.config(),
      audit: { head, lagMs, ...(problem === undefined ? {} : { problem }) },
      ...(checkpoint === undefined ? {} : { checkpoint }),
      verification: verifying.view(),
      ...(fromMs > now() ? { verifyFrom: new Date(fromMs).toISOString() } : {}),
    };
    response.json(view);
  }

  async function apis(_request: Request, response: Response): Promise<void> {
    const states = await deps.upstreams();
    response.json(deps.apis().map((api) => apiView(api, states)));
  }

  async function summary(request: Request, response: Response): Promise<void> {
    const minutes = minutesOf(request);
    await reads.note(gate.readerOf(request), 'summary', { minutes });
    const untilMs = now();
    response.json(await reader.run('summary', untilMs - minutes * 60_000, untilMs));
  }

  async function story(request: Request, response: Response): Promise<void> {
    const requestId = String(request.params['id']);
    if (!/^[\x21-\x7e]{1,200}$/.test(requestId))
      throw new BadAsk('The request id must be a text of 1 to 200 visible characters.');
    await reads.note(gate.readerOf(request), 'request', { requestId });
    const { records } = await reader.run('page', { requestId, limit: MAX_STORY });
    const view: StoryView = { records: records.toReversed() };
    response.json(view);
  }

  async function verify(request: Request, response: Response): Promise<void> {
    await reads.note(gate.readerOf(request), 'verify', {});
    if (verifying.start()) {
      response.status(202).json(verifying.view());
      return;
    }
    const waitMs = Math.max(1_000, verifying.fromMs() - now());
    response.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
    const detail = 'The chain is being checked, or was less than a minute ago.';
    sendProblem(response, 429, 'rate_limited', detail);
  }

  app.get('/console/api/summary', route(summary));
  app.get('/console/api/session', withoutParameters, session);
  app.get('/console/api/status', withoutParameters, route(status));
  app.get('/console/api/apis', withoutParameters, route(apis));
  app.get('/console/api/requests/:id', withoutParameters, route(story));
  app.post('/console/api/verification', requireJson, withoutParameters, route(verify));
}
