import type { Ledger, OpenRecord } from '../audit/ledger.ts';
import type { AnswerProblem, ClosedBy } from '../wire/forward-plan.ts';
import type { ProblemError } from '../wire/problem.ts';
import type { RelayError } from './errors.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Api } from './runtime.ts';
import { CLIENT_LEFT, describeEnd, describeVisit, type Visit } from './visit.ts';

/** How an exchange ended, as far as the audit wants to know. */
export interface Ended {
  readonly status: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly cutBy?: ClosedBy;
  readonly problem?: AnswerProblem;
}

/** Writes the two records of a request of somebody recognised. */
export interface Recorder {
  /**
   * Commits a decision; what it returns closes it.
   *
   * @throws {AuditError} `audit_unavailable`, unless the API does without an audit
   */
  decided(
    visit: Visit,
    api: Api | undefined,
    verdict: Parameters<typeof describeVisit>[2],
  ): Promise<OpenRecord | undefined>;
  /** Throws the refusal of somebody recognised; {@link Recorder.answered} closes the record of it. */
  refused(visit: Visit, open: OpenRecord | undefined, error: RelayError): never;
  /** Runs an admitted exchange and closes its record; where it fails, {@link Recorder.answered} does. */
  during(
    visit: Visit,
    admitted: {
      readonly record: OpenRecord | undefined;
      /** Read at the end: another address may have been tried. */
      readonly upstream: { readonly url: string };
    },
    run: () => Promise<Ended>,
  ): Promise<void>;
  /** Closes the record of what the relay answered in place of an API. */
  answered(visit: Visit, problem: ProblemError, bytesOut: number): void;
}

/**
 * Makes the recorder.
 *
 * @param ledger where to write
 * @param configHash names the configuration that decides
 * @param now the clock, epoch ms
 * @param metrics hears of each exchange
 * @returns the recorder
 */
export function createRecorder(
  ledger: Pick<Ledger, 'admit' | 'note'>,
  configHash: string,
  now: () => number,
  metrics: Pick<RequestMetrics, 'opened' | 'closed'>,
): Recorder {
  /** Without waiting, for an API that does without an audit where there is none. */
  function note(described: ReturnType<typeof describeVisit>): OpenRecord | undefined {
    try {
      return ledger.note(described);
    } catch {
      return undefined;
    }
  }
  return {
    async decided(visit, api, verdict) {
      const described = describeVisit(visit, api, verdict, configHash);
      const isRequired = api?.config.audit.required !== false;
      const open = isRequired ? await ledger.admit(described) : note(described);
      if (open !== undefined) visit.requestId = open.requestId;
      if (api !== undefined) visit.api = api.config.name;
      visit.decision = verdict.kind;
      visit.trace?.recorded(verdict.rule);
      return open;
    },
    refused(visit, open, error) {
      visit.open = { record: open, end: { closedBy: 'relay' } };
      throw error;
    },
    async during(visit, admitted, run) {
      const { record } = admitted;
      metrics.opened(visit);
      try {
        const ended = await run();
        const { status, bytesIn = 0, bytesOut = 0, cutBy: closedBy = 'upstream', problem } = ended;
        const upstream = admitted.upstream.url;
        const end = { status, upstream, bytesIn, bytesOut, closedBy };
        visit.status = status === 0 ? CLIENT_LEFT : status;
        if (problem !== undefined) visit.code = problem;
        const told = problem === undefined ? end : { ...end, code: problem };
        record?.finish(describeEnd(visit, told, now()));
      } catch (error) {
        const upstream = admitted.upstream.url;
        visit.open = { record, end: { upstream, closedBy: 'error' } };
        throw error;
      } finally {
        metrics.closed(visit);
      }
    },
    answered(visit, { status, code }, bytesOut) {
      if (visit.open === undefined) return;
      const { record, end } = visit.open;
      record?.finish(describeEnd(visit, { status, code, ...end, bytesOut }, now()));
    },
  };
}
