import type { Framing } from '../../wire/framing.ts';
import { forwardedFields } from '../../wire/forwarded.ts';
import {
  fieldValues,
  foldName,
  requestHeaders,
  responseHeaders,
  type HeaderList,
} from '../../wire/headers.ts';
import type { Principal } from '../auth/principal.ts';
import type { ApiConfig } from '../config/api-config.ts';
import { ASSERTION_FIELD, type Assert } from './assertion.ts';
import { AWS_FIELDS } from './credentials/aws-sig-v4.ts';
import { constantFields } from './credentials/constant-fields.ts';
import { createPublicCookie } from './public-cookie.ts';
import { createPublicLocation } from './public-location.ts';
import { createPublicPaths } from './public-path.ts';
import { createPathRewrite } from './rewrite-path.ts';
import { createQueryRewrite } from './rewrite-query.ts';
import { compileTemplate, type ClaimAt } from './template.ts';

/** What is known of one request when its fields are rewritten. */
export interface RequestFacts {
  readonly rawHeaders: HeaderList;
  readonly method: string;
  readonly framing: Framing;
  readonly ip: string;
  readonly proto: 'http' | 'https';
  /** The public authority that the client named. */
  readonly authority: string;
  readonly requestId: string;
  readonly traceparent: string;
  /** Whether the caller's `tracestate` belongs to that trace. */
  readonly keepsState: boolean;
  readonly principal: Principal;
}

/** Rewrites the targets and fields of requests to one API, and the fields of its answers. */
export interface Transform {
  /**
   * @param path canonical, what policy has judged
   * @param query empty, or `?` and the query as the client sent it
   * @param claims the caller's verified claims
   * @returns path and query as the API gets them, below its base path
   */
  target(path: string, query: string, claims: Readonly<Record<string, unknown>>): string;
  request(facts: RequestFacts, host: string): HeaderList;
  /** Whether a trailer of the client goes no further: what is no header may be no trailer either. */
  dropsTrailer(foldedName: string): boolean;
  dropsAnswerTrailer(foldedName: string): boolean;
  /** `basePath` is that of the address that answered. */
  response(raw: HeaderList, requestId: string, basePath: string): HeaderList;
}

/** What the configuration of an API is compiled with. */
export interface TransformDeps {
  /** How templates look claims up. */
  readonly claimAt: ClaimAt;
  /** The relay's own origin, without a trailing slash. */
  readonly resource: string;
  /** In which trusted proxies name a client's certificate; no API sees it. */
  readonly certificateField: string | undefined;
  /** Says who is calling, to an API that wants it signed. */
  readonly assert?: Assert | undefined;
}

/** Fields from outside that could pass for ours, or change what an API makes of the request. */
const NEVER_FROM_OUTSIDE = new Set([
  'authorization',
  'client-cert',
  'client-cert-chain',
  'dpop',
  'forwarded',
  // CGI makes an environment variable of it, which HTTP clients take for their proxy (CVE-2016-5385).
  'proxy',
  'traceparent',
  'via',
  'x-real-ip',
  'x-request-id',
  'x-original-url',
  'x-original-host',
  'x-original-path',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);

const VIA = '1.1 latchkey';

function via(raw: HeaderList): string {
  const before = fieldValues(raw, 'via');
  return before.length === 0 ? VIA : `${before.join(', ')}, ${VIA}`;
}

type Renames = ReadonlyMap<string, (value: string, basePath: string) => string>;

/** Which fields of answers hold names that only the company's inside knows. */
function answerRenames(
  api: ApiConfig,
  resource: string,
  rewrite: ReturnType<typeof createPathRewrite>,
): Renames {
  const paths = createPublicPaths(api, rewrite);
  const { rewriteCookies, rewriteLocation } = api.response;
  const renames = new Map<string, (value: string, basePath: string) => string>();
  if (rewriteLocation) {
    const location = createPublicLocation(api.upstreams, resource, paths);
    renames.set('location', location).set('content-location', location);
  }
  if (rewriteCookies) renames.set('set-cookie', createPublicCookie(paths, rewrite !== undefined));
  return renames;
}

/** The lengths of those names: most fields are passed by without a look at their letters. */
const isCandidate = (name: string): boolean =>
  name.length === 8 || name.length === 10 || name.length === 16;

function rename(fields: string[], renames: Renames, basePath: string): void {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!isCandidate(name)) continue;
    const found = renames.get(name.toLowerCase());
    if (found !== undefined) fields[at + 1] = found(fields[at + 1] as string, basePath);
  }
}

/**
 * Compiles an API's `request` and `response` blocks.
 *
 * @param api the API as configured
 * @param deps how claims are looked up, and the relay's own names
 * @returns the rewriting of its targets and fields
 * @throws {Error} a rewriting of paths cannot be compiled
 */
export function createTransform(api: ApiConfig, deps: TransformDeps): Transform {
  const { assert, certificateField, claimAt, resource } = deps;
  const rewritePath = createPathRewrite(api.request.rewritePaths);
  const { removeQuery, setQuery } = api.request;
  const rewriteQuery = createQueryRewrite(setQuery, removeQuery, claimAt);
  const renames = answerRenames(api, resource, rewritePath);
  const removed = new Set(api.request.removeHeaders.map(foldName));
  if (certificateField !== undefined) removed.add(foldName(certificateField));
  const templates = Object.entries(api.request.setHeaders).map(
    ([name, source]) => [name, compileTemplate(source, claimAt)] as const,
  );
  // A header that is left out because its claim is absent must not come from outside instead.
  for (const [name] of templates) removed.add(foldName(name));
  const { credentials } = api.request;
  if (credentials?.kind === 'awsSigV4') for (const name of AWS_FIELDS) removed.add(name);
  const secret = constantFields(credentials);
  for (let at = 0; at < secret.length; at += 2) removed.add(foldName(secret[at] as string));
  const answerRemoved = new Set([
    'x-request-id',
    // An API that sees no proof has no nonce to give; a caller would take it for the relay's.
    'dpop-nonce',
    ...api.response.removeHeaders.map(foldName),
    ...Object.keys(api.response.setHeaders).map(foldName),
  ]);
  const answerSet = Object.entries(api.response.setHeaders).flat();
  const hasCors = api.cors !== undefined;

  const dropped = (folded: string): boolean =>
    NEVER_FROM_OUTSIDE.has(folded) ||
    folded.startsWith('x-latchkey-') ||
    folded.startsWith('x-forwarded-') ||
    removed.has(folded);
  const droppedWithState = (folded: string): boolean => folded === 'tracestate' || dropped(folded);
  const answerDropped = (folded: string): boolean =>
    answerRemoved.has(folded) ||
    folded.startsWith('x-latchkey-') ||
    // Where the relay speaks for the API (relay/cors.ts), two opinions would make none.
    (hasCors && folded.startsWith('access-control-'));

  return {
    target(path, query, claims) {
      const to = rewritePath === undefined ? path : rewritePath.forward(path);
      return to + (rewriteQuery === undefined ? query : rewriteQuery(query, claims));
    },
    request(facts, host) {
      const add = forwardedFields({ ip: facts.ip, proto: facts.proto, host: facts.authority });
      add.push('X-Request-Id', facts.requestId, 'traceparent', facts.traceparent);
      add.push('Via', via(facts.rawHeaders));
      for (const [name, template] of templates) {
        const value = template.render(facts.principal.claims);
        if (value !== undefined) add.push(name, value);
      }
      const own = api.request.passAuthorization
        ? fieldValues(facts.rawHeaders, 'x-latchkey-authorization')[0]
        : undefined;
      if (own !== undefined) add.push('Authorization', own);
      if (secret.length > 0) add.push(...secret);
      if (assert !== undefined) add.push(ASSERTION_FIELD, assert(facts.principal, facts.requestId));
      return requestHeaders(facts.rawHeaders, facts.method, host, facts.framing, {
        drop: facts.keepsState ? dropped : droppedWithState,
        add,
      });
    },
    dropsTrailer: dropped,
    dropsAnswerTrailer: answerDropped,
    response(raw, requestId, basePath) {
      const fields = responseHeaders(raw, {
        drop: answerDropped,
        add: ['X-Request-Id', requestId, 'Via', via(raw)],
      });
      // Before ours are added: what is configured is public already.
      if (renames.size > 0) rename(fields, renames, basePath);
      if (answerSet.length > 0) fields.push(...answerSet);
      return fields;
    },
  };
}
