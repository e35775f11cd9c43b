import type { OpenRecord } from '../../../../audit/ledger.ts';
import type { AuditFields } from '../../../../audit/record.ts';
import { sendKeptAnswer } from '../../../../wire/answer.ts';
import type { ForwardPlan, ForwardResult } from '../../../../wire/forward-plan.ts';
import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';
import { aborted } from '../aborted.ts';
import { AgentError } from '../errors.ts';
import type { Access } from '../session/access.ts';
import type { Call, ToolSide } from './call.ts';
import type { Hops } from './hops.ts';
import { localReference } from './local-names.ts';
import type { ProxyDeps, ProxyProfile } from './proxy-deps.ts';
import { createRemedies, type Remedies } from './remedies.ts';
import { asProblem, readRefusal, relayCode, type Refusal } from './refusals.ts';
import { readableBy } from './preflight.ts';
import { relayPath, siteOf } from './routes.ts';
import { toRelay, toTool } from './transform.ts';

const TIMEOUTS = { connectMs: 10_000, headersMs: 120_000, idleMs: 300_000 };
const RETRY_AFTER_SECONDS = 30;

/** One try: sent once, with one token, under one request id. */
interface Attempt {
  readonly access: Access;
  readonly sentAtMs: number;
  /** Why the relay refused, in its own word. */
  code?: string;
  /** Set when its answer is kept back, since another try may help. */
  refusal?: Refusal;
}

/** Where a call goes at the relay. */
interface Route {
  readonly path: string;
  readonly api: string | undefined;
}

/** Carries guarded calls to the relay. */
export interface Carrier {
  /** @throws {AgentError} when no relay is set */
  checkRelay(): void;
  /**
   * From a guarded call to its closed records; whatever is thrown is still to be answered.
   *
   * @param path canonical, without the profile's name
   */
  carry(call: Call, path: string, tool: ToolSide): Promise<void>;
}

/** What {@link createCarrier} works with. */
export interface CarrierDeps extends ProxyProfile {
  readonly shared: Pick<ProxyDeps, 'now' | 'version'>;
  /** Whether there are others, too: names then tell them apart. */
  readonly isNamed: boolean;
}

/**
 * Makes the carrier of one profile: token, audit, forward, and once more where the relay's refusal can be put right.
 *
 * @param deps the profile, and what all have in common
 * @param hops the connections to its relay
 * @param nextId makes request ids, ULIDs
 * @returns the carrier
 */
export function createCarrier(deps: CarrierDeps, hops: Hops, nextId: () => string): Carrier {
  const { now, version } = deps.shared;

  const scopeName = (api: string | undefined): string | undefined =>
    deps.isNamed && api !== undefined ? `${deps.name}/${api}` : api;

  function relayUrl(): URL {
    const relay = deps.relayUrl();
    if (relay !== undefined) return relay;
    throw new AgentError('signed_out', 'No relay is set; open Latchkey and enter its address.');
  }

  const isByPath = ({ host }: Call): boolean =>
    deps.isNamed && host.kind === 'loopback' && host.profile === undefined;

  async function admit(call: Call, path: string, api: string | undefined): Promise<OpenRecord> {
    const { user } = deps.snapshot();
    const open = await deps.ledger.admit({
      requestId: call.requestId,
      traceId: call.trace.traceId,
      tool: call.tool(),
      method: call.target.method,
      path,
      decision: 'allow',
      ...(user === undefined ? {} : { user: user.subject }),
      ...(api === undefined ? {} : { api }),
    });
    call.admitted = true;
    return open;
  }

  function answerFields(call: Call, path: string, raw: HeaderList): HeaderList {
    const { origin } = call;
    const fields = toTool(raw, call.requestId, origin !== undefined, (reference) => {
      const { apis, localUrl = '' } = deps.snapshot();
      return localReference(reference, {
        relayOrigin: relayUrl().origin,
        authority: call.target.authority,
        host: call.host,
        apis,
        localUrl,
        ...(isByPath(call) && { within: { prefix: `/${deps.name}`, path } }),
      });
    });
    return origin === undefined ? fields : [...fields, ...readableBy(fields, origin)];
  }

  function plan(
    call: Call,
    path: string,
    tool: ToolSide,
    attempt: Attempt,
    remedies: Remedies,
  ): ForwardPlan {
    const relay = relayUrl();
    const { method } = call.target;
    /** Tells whether the next proof will be another one. */
    const see = (status: number, raw: HeaderList): boolean => {
      deps.relayReached();
      const code = relayCode(raw);
      if (code !== undefined) attempt.code = code;
      return attempt.access.offered(status, raw);
    };
    return {
      hop: hops.to(relay),
      method,
      path: path + call.target.query,
      framing: call.framing,
      headers: toRelay(call.raw, {
        method,
        host: relay.host,
        framing: call.framing,
        credential: attempt.access.headers(method, relay.origin + path),
        requestId: call.requestId,
        trace: call.trace,
        version,
        tool: call.tool().name ?? 'unknown',
      }),
      // How large a body may be is the relay's to say.
      maxBodyBytes: Infinity,
      timeouts: TIMEOUTS,
      answer(status, raw) {
        see(status, raw);
        return answerFields(call, path, raw);
      },
      intercept(status, raw) {
        const refusal = readRefusal(status, raw);
        if (refusal === undefined || !remedies.allows(refusal, attempt.access)) return false;
        const isProofNew = see(status, raw);
        if (refusal.kind === 'proof' && !isProofNew) return false;
        attempt.refusal = refusal;
        return true;
      },
      kept: tool.kept,
      register: (exchange) => tool.running.register(exchange),
    };
  }

  /** Gives the relay's refusal to the tool after all: nothing says better what is wanted. */
  function give(
    call: Call,
    path: string,
    tool: ToolSide,
    attempt: Attempt,
    { answer }: Extract<ForwardResult, { kind: 'intercepted' }>,
  ): AuditFields {
    if (tool.running.gone.aborted) return { closedBy: tool.running.leaver() };
    const fields = answerFields(call, path, answer.raw);
    const retry =
      attempt.refusal?.kind === 'step-up' && fieldValues(fields, 'retry-after').length === 0
        ? ['Retry-After', String(RETRY_AFTER_SECONDS)]
        : [];
    tool.kept.release();
    const bytesOut = sendKeptAnswer(tool.response(), answer, [...fields, ...retry]);
    return { bytesOut, closedBy: 'relay' };
  }

  /** One try, from its committed record to its closed one; resolves to what the next one needs. */
  async function attemptOnce(
    call: Call,
    tool: ToolSide,
    route: Route,
    access: Access,
    remedies: Remedies,
  ): Promise<Access | undefined> {
    const sentAtMs = now();
    const attempt: Attempt = { access, sentAtMs };
    const open = await admit(call, route.path, route.api);
    const finish = (end: AuditFields): void =>
      open.finish({
        durationMs: Math.max(0, Math.round(now() - sentAtMs)),
        ...(attempt.code === undefined ? {} : { code: attempt.code }),
        ...end,
      });
    try {
      const result = await tool.run(plan(call, route.path, tool, attempt, remedies));
      const { status, bytesIn } = result;
      if (result.kind === 'answered') {
        const { bytesOut, cutBy = 'relay' } = result;
        const closedBy = cutBy === 'client' ? tool.running.leaver() : cutBy;
        const unanswered = closedBy === 'drain' ? 503 : 499;
        finish({ status: status || unanswered, bytesIn, bytesOut, closedBy });
        return undefined;
      }
      // Whatever fails now, there is an answer already; nobody may wait for one.
      const remedy = remedies
        .apply(attempt.refusal, { ...attempt, api: route.api }, tool.running.gone)
        .catch(() => undefined);
      const next = await Promise.race([remedy, aborted(tool.running.gone)]);
      if (next === undefined || tool.running.gone.aborted) {
        finish({ status, bytesIn, ...give(call, route.path, tool, attempt, result) });
        return undefined;
      }
      finish({ status, bytesIn, bytesOut: 0, closedBy: 'relay' });
      return next;
    } catch (error) {
      const { status, code } = asProblem(error);
      if (code.startsWith('relay_')) deps.relayFailed(error);
      finish({ status, code, closedBy: 'error' });
      throw error;
    }
  }

  return {
    checkRelay: () => void relayUrl(),
    async carry(call, path, tool) {
      const remedies = createRemedies(deps);
      try {
        // A site that is known to be none of ours must not bring up a sign-in.
        const known = deps.snapshot().apis;
        if (call.host.kind === 'site' && known.length > 0) siteOf(call.host.host, known);
        let access: Access | undefined = await deps.authorize(tool.running.gone);
        const needsApis = call.host.kind !== 'loopback' || call.key !== undefined;
        const apis = needsApis ? await deps.apis() : deps.snapshot().apis;
        const route = relayPath(call.host, { path }, apis);
        call.key?.checkApi(scopeName(route.api));
        while (access !== undefined) {
          // The relay takes an id once.
          if (call.admitted) {
            call.requestId = nextId();
            call.admitted = false;
          }
          access = await attemptOnce(call, tool, route, access, remedies);
        }
      } finally {
        tool.kept.release();
      }
    },
  };
}
