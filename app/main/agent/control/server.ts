import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Profile } from '../agent-interface.ts';
import type { DeviceCode } from '../login/provider-device.ts';
import type { ControlTarget } from './target.ts';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { AgentError } from '../errors.ts';
import { activityQuery } from './activity-query.ts';
import { controlVersion, versionHeader } from './address.ts';
import { beginLines, line, publicError, refuse, send } from './answers.ts';
import { readKeyCall, serveKeyCall } from './key-calls.ts';

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
  // Every run that borrowed a key keeps one.
  server.maxConnections = 512;
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
  if (request.headers[versionHeader] !== controlVersion) {
    throw new AgentError(
      'bad_usage',
      `This command and the running Latchkey are of different versions (the app speaks control version ${controlVersion}). Restart Latchkey.`,
    );
  }
  const url = new URL(request.url ?? '/', 'http://control');
  const keyCall = readKeyCall(request.method, url.pathname);
  if (keyCall) return serveKeyCall(keyCall, request, response, target);
  request.resume();
  const name = url.searchParams.get('profile') ?? undefined;
  const profile = target.profile(name);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /status':
      return send(response, name === undefined ? target.snapshot() : profile.snapshot());
    case 'POST /login':
      checkOne(target, name);
      return await streamLogin(response, target, profile, url.searchParams.get('by') === 'device');
    case 'POST /logout':
      checkOne(target, name);
      await profile.signOut();
      return send(response, name === undefined ? target.snapshot() : profile.snapshot());
    case 'GET /apis':
      return send(response, await profile.refreshApis());
    case 'GET /token':
      return send(response, profile.token() ?? null);
    case 'GET /activity':
      return send(response, profile.activity(activityQuery(url.searchParams)));
    case 'GET /policy':
      return send(response, target.policy());
    default:
      throw unknownCall();
  }
}

/** A session is never begun or ended by a guess. */
function checkOne(target: ControlTarget, name: string | undefined): void {
  const profiles = target.profiles();
  if (name !== undefined || profiles.length === 1) return;
  const names = profiles.map((profile) => profile.name).join(', ');
  throw new AgentError(
    'bad_usage',
    `Several relays are set up. Say which one is meant, with --profile and one of ${names}.`,
  );
}

function unknownCall(): AgentError {
  return new AgentError('bad_usage', 'The running Latchkey does not know this command.');
}

/** One JSON object a line: the page or the code as soon as it is known, then how it ended. */
async function streamLogin(
  response: ServerResponse,
  target: ControlTarget,
  profile: Profile,
  isByDevice: boolean,
): Promise<void> {
  beginLines(response);
  let told: string | undefined;
  const tell = (): void => {
    const { signInUrl } = profile.snapshot();
    if (isByDevice || signInUrl === undefined || signInUrl === told) return;
    told = signInUrl;
    line(response, { event: 'sign-in-url', url: signInUrl });
  };
  const stop = target.onChange(tell);
  try {
    const onCode = (code: DeviceCode): void => line(response, { event: 'device-code', ...code });
    const done = profile.signIn(isByDevice ? onCode : undefined);
    tell();
    await done;
    const isOnly = target.profiles().length === 1;
    const snapshot = isOnly ? target.snapshot() : profile.snapshot();
    line(response, { event: 'done', snapshot });
  } catch (error) {
    line(response, { event: 'failed', ...publicError(error) });
  } finally {
    stop();
    response.end();
  }
}
