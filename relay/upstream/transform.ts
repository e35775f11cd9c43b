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
import type { ApiConfig, UpstreamCredentials } from '../config/config.ts';
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
  readonly principal: Principal;
}

/** Rewrites the fields of requests to one API, and of its answers. */
export interface Transform {
  request(facts: RequestFacts, host: string): HeaderList;
  response(raw: HeaderList, requestId: string): HeaderList;
}

/** Fields from outside that could pass for ours, or change what an API makes of the request. */
const NEVER_FROM_OUTSIDE = new Set([
  'authorization',
  'client-cert',
  'client-cert-chain',
  'dpop',
  'forwarded',
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

function credentialFields(credentials: UpstreamCredentials | undefined): HeaderList {
  if (credentials === undefined) return [];
  if (credentials.kind === 'header') return [credentials.name, credentials.value];
  if (credentials.kind === 'bearer') return ['Authorization', `Bearer ${credentials.token}`];
  const pair = Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8');
  return ['Authorization', `Basic ${pair.toString('base64')}`];
}

function via(raw: HeaderList): string {
  return [...fieldValues(raw, 'via'), '1.1 latchkey'].join(', ');
}

/**
 * Compiles an API's `request` and `response` blocks.
 *
 * @param api the API as configured
 * @param claimAt how templates look claims up
 * @param certificateField in which trusted proxies name a client's certificate; no API sees it
 * @returns the rewriting of its fields
 */
export function createTransform(
  api: ApiConfig,
  claimAt: ClaimAt,
  certificateField?: string,
): Transform {
  const removed = new Set(api.request.removeHeaders.map(foldName));
  if (certificateField !== undefined) removed.add(foldName(certificateField));
  const templates = Object.entries(api.request.setHeaders).map(
    ([name, source]) => [name, compileTemplate(source, claimAt)] as const,
  );
  // A header that is left out because its claim is absent must not come from outside instead.
  for (const [name] of templates) removed.add(foldName(name));
  const secret = credentialFields(api.request.credentials);
  const answerRemoved = new Set([
    'x-request-id',
    // An API that sees no proof has no nonce to give; a caller would take it for the relay's.
    'dpop-nonce',
    ...api.response.removeHeaders.map(foldName),
  ]);
  const answerSet = Object.entries(api.response.setHeaders).flat();

  const dropped = (folded: string): boolean =>
    NEVER_FROM_OUTSIDE.has(folded) ||
    folded.startsWith('x-latchkey-') ||
    folded.startsWith('x-forwarded-') ||
    removed.has(folded);

  return {
    request(facts, host) {
      const add = [
        'X-Request-Id',
        facts.requestId,
        'traceparent',
        facts.traceparent,
        ...forwardedFields({ ip: facts.ip, proto: facts.proto, host: facts.authority }),
        'Via',
        via(facts.rawHeaders),
      ];
      for (const [name, template] of templates) {
        const value = template.render(facts.principal.claims);
        if (value !== undefined) add.push(name, value);
      }
      const own = api.request.passAuthorization
        ? fieldValues(facts.rawHeaders, 'x-latchkey-authorization')[0]
        : undefined;
      if (own !== undefined) add.push('Authorization', own);
      add.push(...secret);
      return requestHeaders(facts.rawHeaders, facts.method, host, facts.framing, {
        drop: dropped,
        add,
      });
    },
    response(raw, requestId) {
      return responseHeaders(raw, {
        drop: (folded) => answerRemoved.has(folded) || folded.startsWith('x-latchkey-'),
        add: ['X-Request-Id', requestId, 'Via', via(raw), ...answerSet],
      });
    },
  };
}
