import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { loadConfig } from '../../relay/config/load.ts';
import { startRelay, type RunningRelay } from '../../relay/serve.ts';
import { heardLog } from './heard-log.ts';
import type { MintOptions, TestIssuer } from './issuer.ts';
import { until } from './until.ts';

/** The claim that makes a JWT a logout token. */
export const logoutEvent = { 'http://schemas.openid.net/event/backchannel-logout': {} };

/** A logout token of the test issuer for `latchkey-desktop`; claims set to undefined are left out. */
export function logoutToken(
  issuer: TestIssuer,
  claims: Readonly<Record<string, unknown>> = {},
  how: MintOptions = {},
): Promise<string> {
  const own = { client_id: undefined, scope: undefined, aud: 'latchkey-desktop' };
  return issuer.mint({ ...own, events: logoutEvent, ...claims }, { typ: 'logout+jwt', ...how });
}

/** Sends a logout token as issuers do. */
export function postLogout(relayUrl: string, token: string): Promise<Response> {
  return fetch(`${relayUrl}/.latchkey/backchannel-logout`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  });
}

/** Status and code with which a token gets through, or not. */
export async function use(
  relayUrl: string,
  token: string,
): Promise<{
  readonly status: number;
  readonly code: string | undefined;
  readonly answer: Response;
}> {
  const answer = await fetch(`${relayUrl}/x/1`, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  return { status: answer.status, code: /"code":"([a-z_]+)"/.exec(text)?.[1], answer };
}

/** Relays from one file each, which may be stopped and started again. */
export interface Relays {
  /** Starts a relay; the same name has the same audit directory. */
  start(name?: string): Promise<RunningRelay>;
  readonly dir: string;
}

/** Prepares relays in front of one upstream; everything ends with the test. */
export async function prepareRelays(
  t: TestContext,
  options: {
    readonly issuers: readonly { readonly issuer: string }[];
    readonly upstream: string;
    readonly top?: string;
  },
): Promise<Relays> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-relays-'));
  const running = new Set<RunningRelay>();
  t.after(async () => {
    await Promise.all([...running].map((relay) => relay.stop()));
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  const issuers = options.issuers.map(
    ({ issuer }) => `  - issuer: ${issuer}
    audience: ['https://relay.test']
    algorithms: [ES256, RS256]
    desktop: { clientId: latchkey-desktop, scopes: [openid] }`,
  );
  return {
    dir,
    async start(name = 'relay') {
      const file = join(dir, `${name}.yaml`);
      await writeFile(
        file,
        `listen: 127.0.0.1:0
publicUrl: https://relay.test
issuers:
${issuers.join('\n')}
apis:
  x: { upstream: ['${options.upstream}'], rules: [{ name: any, allow: { scopes: [read] } }] }
audit: { dir: ./${name}-audit }
management: { listen: 127.0.0.1:0 }
${options.top ?? ''}
`,
      );
      const started = await startRelay(await loadConfig(file, { env: process.env }), {
        version: '0.0.0-test',
        logTo: heardLog(),
      });
      const relay: RunningRelay = {
        ...started,
        async stop() {
          if (running.delete(relay)) await started.stop();
        },
      };
      running.add(relay);
      await until('the relay is ready', async () => (await fetch(`${relay.management}/readyz`)).ok);
      return relay;
    },
  };
}

/** An upstream with streams that do not end: WebSockets, and events everywhere else. */
export async function startStreams(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: hello\n\n');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A stream through the relay: how it ends, and when. */
export interface OpenStream {
  readonly ended: Promise<number | string>;
  close(): void;
}

/** Opens an event stream; `ended` resolves with how it did. */
export async function openEvents(relayUrl: string, token: string): Promise<OpenStream> {
  const leaving = new AbortController();
  const answer = await fetch(`${relayUrl}/x/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: leaving.signal,
  });
  assert.equal(answer.status, 200);
  const ended = answer.text().then(
    () => 'ended',
    () => 'cut',
  );
  return { ended, close: () => leaving.abort() };
}

/** Opens a WebSocket; `ended` resolves with its close code. */
export async function openSocket(relayUrl: string, token: string): Promise<OpenStream> {
  const socket = new WebSocket(`${relayUrl.replace('http', 'ws')}/x/live`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const ended = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { ended, close: () => socket.terminate() };
}

/** Waits for a promise, but no longer than given. */
export async function inTime<T>(promise: Promise<T>, timeoutMs = 60_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen in ${timeoutMs} ms`)), timeoutMs);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
