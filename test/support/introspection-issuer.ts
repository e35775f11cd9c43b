import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { IntrospectionConfig, IssuerConfig } from '../../relay/config/config.ts';
import { testAudience } from './issuer.ts';

/** One question, as it arrived. */
export interface Asked {
  readonly token: string;
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
}

type Answering = (request: IncomingMessage, response: ServerResponse, asked: Asked) => void;

/** An authorization server on a real socket whose tokens only it can read, and that does as it is told. */
export interface IntrospectionIssuer {
  readonly issuer: string;
  readonly asked: readonly Asked[];
  readonly counts: { discovery: number };
  /** What the server says of a token; undefined makes it unknown, which is not active. */
  readonly say: (token: string, answer: Readonly<Record<string, unknown>> | undefined) => void;
  /** Answers in place of the server; undefined gives it back. */
  readonly answer: (answering: Answering | undefined) => void;
  /** Cuts every connection until `up`. */
  readonly down: () => void;
  readonly up: () => void;
  /** Answers a discovery in place of the server. */
  readonly describe: (metadata: Readonly<Record<string, unknown>> | undefined) => void;
  readonly config: (
    changes?: Partial<IssuerConfig>,
    introspection?: Partial<IntrospectionConfig>,
  ) => IssuerConfig;
}

/** What a server says of a good token: an hour of life, for the relay, with the scope `read`. */
export function activeAnswer(
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const seconds = Math.floor(Date.now() / 1000);
  return {
    active: true,
    sub: 'user-1',
    aud: testAudience,
    client_id: 'latchkey-desktop',
    scope: 'read',
    token_type: 'Bearer',
    iat: seconds,
    exp: seconds + 3600,
    ...changes,
  };
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
}

/** Starts one for a test; it is closed with the test. */
export async function createIntrospectionIssuer(t: TestContext): Promise<IntrospectionIssuer> {
  const answers = new Map<string, Readonly<Record<string, unknown>>>();
  const asked: Asked[] = [];
  const counts = { discovery: 0 };
  let answering: Answering | undefined;
  let metadata: Readonly<Record<string, unknown>> | undefined;
  let isDown = false;

  async function introspect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await readForm(request);
    const { authorization, accept, 'content-type': contentType } = request.headers;
    const question = { token: form['token'] ?? '', form, authorization, accept, contentType };
    asked.push(question);
    if (answering !== undefined) answering(request, response, question);
    else sendJson(response, answers.get(question.token) ?? { active: false });
  }

  const server = createServer((request, response) => {
    if (isDown) request.socket.destroy();
    else if (request.url === '/introspect') void introspect(request, response);
    else if (request.url?.includes('/.well-known/') === true) {
      counts.discovery += 1;
      const own = { issuer, introspection_endpoint: `${issuer}/introspect` };
      sendJson(response, metadata ?? own);
    } else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  return {
    issuer,
    asked,
    counts,
    say(token, answer) {
      if (answer === undefined) answers.delete(token);
      else answers.set(token, answer);
    },
    answer(next) {
      answering = next;
    },
    down() {
      isDown = true;
      server.closeAllConnections();
    },
    up() {
      isDown = false;
    },
    describe(next) {
      metadata = next;
    },
    config: (changes = {}, introspection = {}) => ({
      issuer,
      audience: [testAudience],
      tokens: 'introspection',
      profile: 'strict',
      algorithms: ['RS256', 'ES256'],
      clockToleranceMs: 30_000,
      maxStaleMs: 86_400_000,
      dpop: 'optional',
      dpopNonce: false,
      claims: { user: 'sub', email: 'email', roles: 'roles', groups: 'groups' },
      metadata: {},
      introspection: {
        clientId: 'relay',
        authentication: { kind: 'client_secret_basic', secret: 's3cret' },
        cacheMs: 30_000,
        negativeCacheMs: 5_000,
        timeoutMs: 60_000,
        ...introspection,
      },
      ...changes,
    }),
  };
}
