import type { Framing } from '../../../../wire/framing.ts';
import {
  fieldValues,
  requestHeaders,
  responseHeaders,
  type HeaderList,
} from '../../../../wire/headers.ts';
import type { CarriedTrace } from '../../../../wire/trace.ts';

/** From a tool these would pass for ours, or carry a web page's context to the company. */
const DROPPED_FROM_TOOLS = new Set([
  'authorization',
  // Whatever any program on localhost has set, by whichever port.
  'cookie',
  'dpop',
  'origin',
  'referer',
  'traceparent',
]);

const DROPPED_FROM_ANSWERS = new Set([
  'alt-svc',
  'clear-site-data',
  // Between the app and the relay; the tool's own answers to challenges would be of no use.
  'dpop-nonce',
  // Cookies are not kept apart by port: every program on localhost would share them.
  'set-cookie',
  'strict-transport-security',
]);

const dropsFromTool = (folded: string): boolean =>
  DROPPED_FROM_TOOLS.has(folded) ||
  folded.startsWith('x-latchkey-') ||
  folded.startsWith('sec-fetch-');
/** What belongs to a trace that is not continued. */
const dropsStateToo = (folded: string): boolean => dropsFromTool(folded) || folded === 'tracestate';
const dropsFromAnswer = (folded: string): boolean => DROPPED_FROM_ANSWERS.has(folded);
const dropsCorsToo = (folded: string): boolean =>
  dropsFromAnswer(folded) || folded.startsWith('access-control-');

const REFERENCES = new Set(['location', 'content-location']);

/**
 * Names the tool that made a request, as it names itself.
 *
 * @param raw the request's fields
 * @returns the product token of User-Agent, or `unknown`
 */
export function toolName(raw: HeaderList): string {
  const product = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}/.exec(fieldValues(raw, 'user-agent')[0] ?? '');
  return product?.[0] ?? 'unknown';
}

/**
 * Builds the fields of a request to the relay.
 *
 * @param raw the tool's fields
 * @param facts what is added
 * @returns the fields to send
 */
export function toRelay(
  raw: HeaderList,
  facts: {
    readonly method: string;
    readonly host: string;
    readonly framing: Framing;
    /** Fields that show the token to the relay. */
    readonly credential: HeaderList;
    readonly requestId: string;
    readonly trace: CarriedTrace;
    readonly version: string;
    /** The tool's name, for the relay's audit. */
    readonly tool: string;
  },
): HeaderList {
  const own = fieldValues(raw, 'authorization')[0];
  return requestHeaders(raw, facts.method, facts.host, facts.framing, {
    drop: facts.trace.tracestate === undefined ? dropsFromTool : dropsStateToo,
    add: [
      ...facts.credential,
      'X-Request-Id',
      facts.requestId,
      'traceparent',
      facts.trace.traceparent,
      ...(facts.trace.tracestate === undefined ? [] : ['tracestate', facts.trace.tracestate]),
      'X-Latchkey-Client',
      `${facts.version}; tool="${facts.tool.replace(/[^\w .+-]/g, '_').slice(0, 64)}"`,
      ...(own === undefined ? [] : ['X-Latchkey-Authorization', own]),
    ],
  });
}

/**
 * Builds the fields of an answer to a tool.
 *
 * @param raw the relay's fields
 * @param requestId the request's ULID
 * @param keepCors whether the request came from a listed origin
 * @param localName gives references to the relay their local names
 * @returns the fields to send
 */
export function toTool(
  raw: HeaderList,
  requestId: string,
  keepCors: boolean,
  localName: (reference: string) => string,
): HeaderList {
  const fields = responseHeaders(raw, {
    drop: keepCors ? dropsFromAnswer : dropsCorsToo,
    add: ['X-Request-Id', requestId],
  });
  for (let at = 0; at < fields.length; at += 2)
    if (REFERENCES.has((fields[at] as string).toLowerCase()))
      fields[at + 1] = localName(fields[at + 1] as string);
  return fields;
}
