import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AuditPage, AuditQuery } from '../../../../audit/query.ts';
import type { AgentSnapshot, ApiInfo } from '../status.ts';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { AgentError } from '../errors.ts';
import { controlVersion, versionHeader } from './address.ts';

/** What the command line may ask of the running agent. */
export interface ControlTarget {
  snapshot(): AgentSnapshot;
  onChange(listener: (snapshot: AgentSnapshot) => void): () => void;
  signIn(): Promise<AgentSnapshot>;
  signOut(): Promise<void>;
  refreshApis(): Promise<readonly ApiInfo[]>;
  activity(query: AuditQuery): AuditPage;
}

/** The agent's end of the control socket. */
export interface ControlServer {
  close(): Promise<void>;
}

/**
 * Opens the control socket: HTTP/1.1 and JSON, for this user only.
 *
 * @param address as from `controlAddress`; on Unix inside a directory of mode 0700
 * @param target what the calls reach
 * @returns the listening server
 * @throws {AgentError} `already_running` when another agent answers there
 */
export async function openControl(address: string, target: ControlTarget): Promise<ControlServer> {
  const server = createServer({ headersTimeout: 5000 }, (request, response) => {
    handle(request, response, target).catch((error: unknown) => refuse(response, error));
  });
  server.maxConnections = 64;
  await listen(server, address);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, address: string): Promise<void> {
  const isFile = process.platform !== 'win32';
  try {
    await bind(server, address);
  } catch (error) {
    if (!isCode(error, 'EADDRINUSE')) throw error;
    if (!isFile || (await answers(address))) {
      throw new AgentError(
        'already_running',
        'Latchkey is already running with this data directory. Use the running one, or quit it first.',
        { cause: error },
      );
    }
    // Nobody answers: the socket is what a killed agent left behind.
    rmSync(address, { force: true });
    await bind(server, address);
  }
  if (isFile) chmodSync(address, 0o600);
}

function bind(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

const probeMs = 2000;

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const done = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    // An agent that is too busy to accept is alive all the same.
    socket.setTimeout(probeMs, () => done(true));
    socket.once('connect', () => done(true));
    socket.once('error', (error) =>
      done(!isCode(error, 'ECONNREFUSED') && !isCode(error, 'ENOENT')),
    );
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  target: ControlTarget,
): Promise<void> {
  request.resume();
  if (request.headers[versionHeader] !== controlVersion) {
    throw new AgentError(
      'bad_usage',
      `This command and the running Latchkey are of different versions (the app speaks control version ${controlVersion}). Restart Latchkey.`,
    );
  }
  const url = new URL(request.url ?? '/', 'http://control');
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /status':
      return send(response, target.snapshot());
    case 'POST /login':
      return await streamLogin(response, target);
    case 'POST /logout':
      await target.signOut();
      return send(response, target.snapshot());
    case 'GET /apis':
      return send(response, await target.refreshApis());
    case 'GET /activity':
      return send(response, target.activity(activityQuery(url.searchParams)));
    default:
      throw new AgentError('bad_usage', 'The running Latchkey does not know this command.');
  }
}

/** One JSON object a line: the page to open as soon as it is known, then how it ended. */
async function streamLogin(response: ServerResponse, target: ControlTarget): Promise<void> {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/x-ndjson' });
  let told: string | undefined;
  const tell = ({ signInUrl }: AgentSnapshot): void => {
    if (signInUrl === undefined || signInUrl === told) return;
    told = signInUrl;
    line(response, { event: 'sign-in-url', url: signInUrl });
  };
  const stop = target.onChange(tell);
  try {
    const done = target.signIn();
    tell(target.snapshot());
    line(response, { event: 'done', snapshot: await done });
  } catch (error) {
    line(response, { event: 'failed', ...publicError(error) });
  } finally {
    stop();
    response.end();
  }
}

const headers = { [versionHeader]: controlVersion, 'Cache-Control': 'no-store' };

function line(response: ServerResponse, value: unknown): void {
  if (!response.destroyed) response.write(`${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof AgentError ? error.status : 500;
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(publicError(error)));
}

function publicError(error: unknown): { code: string; message: string } {
  if (error instanceof AgentError) return { code: error.code, message: error.message };
  return { code: 'internal', message: 'Something went wrong. The log of Latchkey says more.' };
}

function activityQuery(params: URLSearchParams): AuditQuery {
  const one = (name: string): string | undefined => params.get(name) ?? undefined;
  const limit = Number(one('limit') ?? 100);
  const decision = one('decision');
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AgentError('bad_usage', '`limit` must be a whole number from 1 to 1000.');
  }
  if (decision !== undefined && decision !== 'allow' && decision !== 'deny') {
    throw new AgentError('bad_usage', '`decision` must be allow or deny.');
  }
  const query: Record<string, unknown> = { limit, decision };
  for (const name of ['api', 'code', 'since', 'until', 'cursor', 'requestId']) {
    query[name] = one(name);
  }
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}
