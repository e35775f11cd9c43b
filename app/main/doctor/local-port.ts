import type { Settings } from '../agent/settings/settings.ts';
import type { Check, CheckContext, Found } from './check.ts';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { describeOwner, findPortOwner, nextFreePort } from '../agent/port-owner.ts';

/** Who holds the local port? */
export const localPortCheck: Check = {
  name: 'local-port',
  todo: 'Restart Latchkey, then run `latchkey doctor` again.',
  run: (context) =>
    context.facts.app ? checkOurs(context, context.facts.app.localUrl) : checkFree(context),
};

/** The app says that the port is its own; whether it is shows in who holds it and in what answers. */
async function checkOurs(context: CheckContext, localUrl: string | undefined): Promise<Found> {
  if (localUrl === undefined) {
    const free = await checkFree(context);
    const detail = `Latchkey runs without a port; ${free.detail}`;
    return { ...free, outcome: 'fail', detail };
  }
  const port = Number(new URL(localUrl).port || '80');
  const owner = findPortOwner(port);
  if (owner && process.platform !== 'win32' && owner.uid !== userInfo().uid) {
    return stranger(`port ${port} is`, describeOwner(owner));
  }
  if ((await whoAnswers('127.0.0.1', port, context.signal)) !== 'latchkey') {
    return stranger(`port ${port} is`, describeOwner(owner));
  }
  // Many tools ask the IPv6 address first when they are told localhost.
  if ((await whoAnswers('::1', port, context.signal)) === 'stranger') {
    return stranger(`[::1]:${port} is`, 'another program');
  }
  const holder = owner?.pid === undefined ? '' : ` (process ${owner.pid})`;
  return { outcome: 'ok', detail: `Latchkey itself holds port ${port}${holder}` };
}

async function checkFree({ settings }: CheckContext): Promise<Found> {
  const port = settings.get('port');
  if (port === 0) return { outcome: 'ok', detail: 'any free port is taken (port 0)' };
  const owner = findPortOwner(port);
  const code = await bindFault(port);
  if (code === 'EACCES') {
    const detail = `the system does not let you use port ${port}`;
    return { outcome: 'fail', detail, todo: await otherPort(port, settings) };
  }
  if (!owner && code === undefined) return { outcome: 'ok', detail: `port ${port} is free` };
  return {
    outcome: 'fail',
    detail: `port ${port} is held by ${describeOwner(owner)}`,
    todo: `Close that program, or: ${await otherPort(port, settings)}`,
  };
}

function stranger(place: string, who: string): Found {
  return {
    outcome: 'fail',
    detail: `${place} answered by ${who} and not by Latchkey`,
    todo: 'Send nothing to this port: that program would get your requests and the keys in them. Close it and restart Latchkey.',
  };
}

async function otherPort(port: number, settings: Settings): Promise<string> {
  const isLocked = settings.effective().some(({ key, locked }) => key === 'port' && locked);
  if (isLocked) return 'ask your administrator for another one: policy sets `port`.';
  const free = await nextFreePort(port);
  return `set \`port\` in settings.json to ${free === undefined ? 'another one' : `${free}, which is free`}.`;
}

async function bindFault(port: number): Promise<string | undefined> {
  const [four, six] = [await tryBind('127.0.0.1', port), await tryBind('::1', port)];
  // Where there is no IPv6, its address cannot be taken.
  return four ?? (six === 'EADDRINUSE' ? six : undefined);
}

function tryBind(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

/** Latchkey answers with its own page, or with its refusal where tool keys are required. */
async function whoAnswers(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<'latchkey' | 'stranger' | 'nobody'> {
  try {
    const body: unknown = JSON.parse(await ask(host, port, signal));
    if (typeof body !== 'object' || body === null) return 'stranger';
    const isPage = 'status' in body && 'version' in body;
    const isRefusal = 'type' in body && String(body.type).startsWith('urn:latchkey:problem:');
    return isPage || isRefusal ? 'latchkey' : 'stranger';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const isEmpty = code === 'ECONNREFUSED' || code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
    return isEmpty ? 'nobody' : 'stranger';
  }
}

function ask(host: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = { host, port, path: '/.latchkey/status', agent: false, signal };
    const request = httpRequest(target, (response) => resolve(text(response)));
    request.once('error', reject);
    request.end();
  });
}
