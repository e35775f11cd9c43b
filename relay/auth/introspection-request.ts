import { connect } from 'node:net';
import type { IssuerConfig, IntrospectionConfig } from '../config/config.ts';
import type { ClientAuthenticator } from './client-authentication.ts';
import { discoverIntrospectionEndpoint } from './discovery.ts';
import { fetchJson } from './fetch-json.ts';
import { type FormAnswer, createFormPost } from './form-post.ts';

/** What an issuer's failure to answer says about the issuer. */
export type IntrospectionFailure =
  /** No answer, or none that makes sense: the next token fares no better. */
  | 'unusable'
  /** The relay itself is refused: someone has to look. */
  | 'rejected'
  /** This one request is refused; others may be answered. */
  | 'refused';

/** An introspection without a usable answer; the message is fit for logs and /readyz. */
export class IntrospectionProblem extends Error {
  readonly kind: IntrospectionFailure;

  constructor(kind: IntrospectionFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IntrospectionProblem';
    this.kind = kind;
  }
}

/** Speaks to one issuer's introspection endpoint. */
export interface IntrospectionClient {
  /**
   * @param token sent in the body, where no log of URLs sees it
   * @returns the bytes of a JSON answer
   * @throws {IntrospectionProblem} no answer, another status, too large, not JSON
   */
  readonly ask: (token: string) => Promise<Uint8Array>;
  /** Finds the endpoint and opens a connection to it, without asking anything. */
  readonly reach: () => Promise<void>;
  /** Closes idle connections; what is under way goes on. */
  readonly close: () => void;
}

/** What a client works with. */
export interface IntrospectionClientDeps {
  readonly now: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly authenticator: ClientAuthenticator;
  readonly rediscoverMs: number;
}

const maxMetadataBytes = 1024 * 1024;

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  return 'code' in error ? String(error.code) : error.message;
}

function usableBody(answer: FormAnswer, url: string): Uint8Array {
  const { status, mediaType, body } = answer;
  if (status === 401 || status === 403)
    throw new IntrospectionProblem(
      'rejected',
      `${url} answered ${status} to the relay itself: check introspection.clientId and its secret, key or certificate`,
    );
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    throw new IntrospectionProblem('refused', `${url} answered ${status}`);
  if (status !== 200) throw new IntrospectionProblem('unusable', `${url} answered ${status}`);
  // A signed answer (RFC 9701) is refused too: what was not asked for is not guessed at.
  if (mediaType !== 'application/json')
    throw new IntrospectionProblem('unusable', `${url} did not answer with application/json`);
  return body;
}

/**
 * Makes the client of an issuer's introspection endpoint. Redirects are never followed.
 *
 * @param issuer the trusted issuer
 * @param config its introspection
 * @param deps clock, fetch for discovery, how to authenticate
 * @returns the client
 * @see RFC 7662 §2.1
 */
export function createIntrospectionClient(
  issuer: IssuerConfig,
  config: IntrospectionConfig,
  deps: IntrospectionClientDeps,
): IntrospectionClient {
  const { timeoutMs } = config;
  const { tls } = deps.authenticator;
  const http = createFormPost({ timeoutMs, tls });
  let found: { readonly url: URL; readonly atMs: number } | undefined;
  let finding: Promise<URL> | undefined;

  async function find(): Promise<URL> {
    const limits = { fetch: deps.fetch, timeoutMs, maxBytes: maxMetadataBytes, redirects: 1 };
    const { signal } = new AbortController();
    const endpoint = await discoverIntrospectionEndpoint(issuer, (url) =>
      fetchJson(url, { ...limits, signal }),
    );
    const url = new URL(endpoint);
    if (tls !== undefined && url.protocol !== 'https:')
      throw new Error(`${endpoint} is not https, where no certificate can be shown`);
    found = { url, atMs: deps.now() };
    return url;
  }

  /** One search at a time; an endpoint found before serves on while it is looked for again. */
  async function endpoint(): Promise<URL> {
    if (found !== undefined && deps.now() - found.atMs < deps.rediscoverMs) return found.url;
    finding ??= find().finally(() => {
      finding = undefined;
    });
    if (found !== undefined) {
      found = { ...found, atMs: deps.now() };
      finding.catch(() => undefined);
      return found.url;
    }
    try {
      return await finding;
    } catch (error) {
      throw new IntrospectionProblem('unusable', codeOf(error), { cause: error });
    }
  }

  async function ask(token: string): Promise<Uint8Array> {
    const url = await endpoint();
    const proof = await deps.authenticator.prove();
    const form = { token, token_type_hint: 'access_token', ...proof.form };
    let answer: FormAnswer;
    try {
      answer = await http.post(url, form, proof.headers);
    } catch (error) {
      const why = `${url.href} gave no answer: ${codeOf(error)}`;
      throw new IntrospectionProblem('unusable', why, { cause: error });
    }
    return usableBody(answer, url.href);
  }

  async function reach(): Promise<void> {
    const { hostname, port, protocol, href } = await endpoint();
    const host = hostname.replace(/^\[|\]$/g, '');
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        socket.destroy();
        reject(new IntrospectionProblem('unusable', `${href} cannot be reached: ${why}`));
      };
      const socket = connect(Number(port || (protocol === 'https:' ? 443 : 80)), host, () => {
        socket.destroy();
        resolve();
      });
      socket.setTimeout(timeoutMs, () => fail(`no connection within ${timeoutMs} ms`));
      socket.on('error', (error) => fail(codeOf(error)));
    });
  }

  return {
    ask,
    reach,
    close: http.close,
  };
}
