import type { Ledger, OpenRecord } from '../audit/ledger.ts';
import type { ClosedBy } from '../wire/forward-plan.ts';
import type { RelayError } from './errors.ts';
import { asProblem } from './respond.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Api } from './runtime.ts';
import { CLIENT_LEFT, describeEnd, describeVisit, type Visit } from './visit.ts';

/** How an exchange ended, as far as the audit wants to know. */
export interface Ended {
  readonly status: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly cutBy?: ClosedBy;
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
  /** Closes the record of a decision against somebody, and throws the refusal. */
  refused(visit: Visit, open: OpenRecord | undefined, error: RelayError): never;
  /** Runs an admitted exchange and closes its record, whatever happens. */
  during(
    visit: Visit,
    admitted: {
      readonly record: OpenRecord | undefined;
      /** Read at the end: another address may have been tried. */
      readonly upstream: { readonly url: string };
    },
    run: () => Promise<Ended>,
  ): Promise<void>;
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
      const { status, code } = error;
      open?.finish(describeEnd(visit, { status, code, bytesOut: 0, closedBy: 'relay' }, now()));
      throw error;
    },
    async during(visit, admitted, run) {
      const { record } = admitted;
      metrics.opened(visit);
      try {
        const { status, bytesIn = 0, bytesOut = 0, cutBy: closedBy = 'upstream' } = await run();
        const upstream = admitted.upstream.url;
        const end = { status, upstream, bytesIn, bytesOut, closedBy };
        visit.status = status === 0 ? CLIENT_LEFT : status;
        record?.finish(describeEnd(visit, end, now()));
      } catch (error) {
        const { status, code } = asProblem(error);
        const upstream = admitted.upstream.url;
        const end = { status, code, upstream, bytesOut: 0, closedBy: 'error' } as const;
        record?.finish(describeEnd(visit, end, now()));
        throw error;
      } finally {
        metrics.closed(visit);
      }
    },
  };
}
