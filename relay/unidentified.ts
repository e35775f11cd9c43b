import { ulid } from 'ulid';
import type { Refusals } from '../audit/refusals.ts';
import type { ProblemError } from '../wire/problem.ts';
import type { RelayErrorCode } from './errors.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Api } from './runtime.ts';
import { describeEnd, describeVisit, type Visit } from './visit.ts';

/** Records requests that were answered before anybody was recognised. */
export interface Unidentified {
  /** A CORS preflight, which needs no token. */
  allowed(visit: Visit, api: Api, status: number): void;
  refused(visit: Visit, problem: ProblemError, bytesOut: number): void;
  /** What node's parser refused: no request exists. */
  unparsable(status: number, ip: string): void;
}

const PARSER_CODES: Readonly<Record<number, RelayErrorCode>> = {
  408: 'too_slow',
  413: 'too_large',
  414: 'url_too_long',
  431: 'headers_too_large',
};

/**
 * Makes the recorder of what strangers tried.
 *
 * @param refusals counts repeats
 * @param configHash names the configuration that refused
 * @param now the clock, epoch ms
 * @param metrics counts what has no visit
 * @returns the recorder
 */
export function createUnidentified(
  refusals: Pick<Refusals, 'record'>,
  configHash: string,
  now: () => number,
  metrics: Pick<RequestMetrics, 'unparsable'>,
): Unidentified {
  return {
    allowed(visit, api, status) {
      refusals.record(
        describeVisit(visit, api, { kind: 'allow', rule: 'cors' }, configHash),
        describeEnd(visit, { status, bytesOut: 0, closedBy: 'relay' }, now()),
      );
    },
    refused(visit, { code, status }, bytesOut) {
      refusals.record(
        describeVisit(visit, undefined, { kind: 'deny', code }, configHash),
        describeEnd(visit, { status, code, bytesOut, closedBy: 'relay' }, now()),
      );
    },
    unparsable(status, ip) {
      const code = PARSER_CODES[status] ?? 'bad_request';
      metrics.unparsable(status, code);
      const fields = { requestId: ulid(), decision: 'deny', code, configHash } as const;
      refusals.record(
        { ...fields, ...(ip === '' ? {} : { ip }) },
        { status, code, bytesOut: 0, durationMs: 0, closedBy: 'relay' },
      );
    },
  };
}
