import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { freePort } from './free-port.ts';

/** A relay as far as signing in goes: it describes itself and answers whoever has a token that it accepts. */
export interface SmallRelay {
  readonly url: string;
  /** Replaces members of the RFC 9728 document. */
  describe(changes: Record<string, unknown>): void;
  /** Which tokens it accepts from now on; all of them at first. */
  accept(test: (token: string) => boolean): void;
  /** Answers everything that is none of the relay's own documents. */
  serveApis(listener: RequestListener): void;
  /** Every token shown, in order. */
  readonly tokens: readonly string[];
  /** Stops listening; `resume` takes the same port again. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a small relay on loopback.
 *
 * @param issuer the identity provider that it names
 * @returns the running relay
 */
export async function startSmallRelay(issuer: string): Promise<SmallRelay> {
  const tokens: string[] = [];
  let accepts: (token: string) => boolean = () => true;
  let changes: Record<string, unknown> = {};
  let apis: RequestListener | undefined;
  const server = createServer(serve);
  // What it keeps is not closed because a busy machine took its time.
  server.keepAliveTimeout = 60_000;
  // Of those that nobody gets by chance: it is taken again.
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${port}`;

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.url === '/.well-known/oauth-protected-resource') return send(200, metadata());
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    tokens.push(token);
    if (!accepts(token)) return send(401, { code: 'token_revoked' });
    if (request.url === '/.latchkey/whoami') {
      return send(200, { user: 'alice', email: 'alice@demo.example' });
    }
    if (request.url !== '/.latchkey/apis') {
      return apis ? apis(request, response) : send(404, { code: 'unknown_api' });
    }
    const rules = [{ name: 'read', methods: ['GET'], paths: ['/**'], allowed: true }];
    return send(200, { apis: [{ name: 'billing', title: 'Billing', path: '/billing', rules }] });
  }

  function metadata(): Record<string, unknown> {
    return {
      resource: url,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      latchkey: {
        version: '0.1.0',
        client_id: 'latchkey-desktop',
        scopes: ['openid', 'offline_access', 'billing.read'],
        authorization_parameters: { prompt: 'consent' },
        redirect_uri: 'http://127.0.0.1/callback',
        redirect_ports: [],
      },
      ...changes,
    };
  }

  async function stop(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  return {
    url,
    tokens,
    describe(next) {
      changes = next;
    },
    serveApis(listener) {
      apis = listener;
    },
    accept(test) {
      accepts = test;
    },
    pause: stop,
    async resume() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    close: stop,
  };
}
