import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { UpstreamCredentials } from '../../relay/config/api-config.ts';
import type { RelayConfig } from '../../relay/config/config.ts';

/** A token endpoint that keeps what it is asked and answers as it is told. */
export interface TokenEndpointBench {
  readonly url: string;
  /** The parameters of each request, in order; one that occurs twice fails the request. */
  readonly asked: readonly Readonly<Record<string, string>>[];
  /** The Authorization field of each request. */
  readonly authorizations: readonly string[];
  /** How requests are answered from now on. */
  answer(handler: (response: http.ServerResponse, form: URLSearchParams) => void): void;
  /** Holds answers back until the function that it returns is called. */
  hold(): () => void;
  stop(): Promise<void>;
}

/** Answers with a token `t1`, `t2`, …; `more` adds to or replaces members. */
export function issuing(
  more: Readonly<Record<string, unknown>> = {},
): (response: http.ServerResponse) => void {
  let count = 0;
  return (response) => {
    count += 1;
    sendJson(response, 200, {
      access_token: `t${count}`,
      token_type: 'bearer',
      expires_in: 100,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...more,
    });
  };
}

/** Answers as RFC 6749 §5 has it. */
export function sendJson(response: http.ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(value));
}

/** Starts one for a test; it is closed with the test. */
export async function startTokenEndpoint(t: TestContext): Promise<TokenEndpointBench> {
  const asked: Readonly<Record<string, string>>[] = [];
  const authorizations: string[] = [];
  let handler: (response: http.ServerResponse, form: URLSearchParams) => void = issuing();
  let gate = Promise.resolve();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
      const isTwice = new Set(form.keys()).size !== form.size;
      asked.push(Object.fromEntries(form));
      authorizations.push(request.headers.authorization ?? '');
      if (request.method !== 'POST' || !isForm || isTwice) {
        sendJson(response, 400, { error: 'the request is malformed' });
        return;
      }
      void gate.then(() => handler(response, form));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  t.after(stop);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    asked,
    authorizations,
    answer(next) {
      handler = next;
    },
    hold() {
      let open = (): void => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    stop,
  };
}

/** Has the first API of a configuration shown these credentials, and changes what else is told. */
export function withCredentials(
  credentials: UpstreamCredentials,
  more: Partial<RelayConfig['apis'][number]['request']> = {},
): (config: RelayConfig) => RelayConfig {
  return (config) => ({
    ...config,
    apis: config.apis.map((api) => ({
      ...api,
      request: { ...api.request, ...more, credentials },
    })),
  });
}

/** The values of a field in the heads that a raw upstream received. */
export function received(bytes: readonly string[], name: string): string[] {
  const pattern = new RegExp(`^${name}: (.*)\\r$`, 'gim');
  return bytes.flatMap((text) => [...text.matchAll(pattern)].map((found) => found[1] ?? ''));
}
