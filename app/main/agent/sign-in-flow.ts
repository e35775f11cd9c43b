import type { Ledger } from '../../../audit/ledger.ts';
import type { AgentDeps } from './agent-deps.ts';
import type { CatalogKeeper } from './catalog-keeper.ts';
import type { Fetch } from './login/outbound.ts';
import type { Machine } from './login/machine.ts';
import type { DeviceCode } from './login/provider-device.ts';
import type { Provider } from './login/provider.ts';
import type { SignInChallenge } from './login/challenge.ts';
import type { StepUpDemand } from './proxy/proxy-deps.ts';
import type { Access } from './session/access.ts';
import type { Session } from './session/session.ts';
import type { TokenSet } from './session/token-set.ts';
import { AgentError } from './errors.ts';
import { loginByDevice } from './login/device.ts';
import { login } from './login/login.ts';
import { createSignInGate } from './sign-in-gate.ts';
import { createSignIns, type Wanted } from './sign-ins.ts';
import { heldTokens } from './snapshot.ts';
import { createStepUps } from './step-up.ts';
import {
  asked,
  confirmText,
  noAuditText,
  noRelayText,
  otherPersonText,
  person,
  signInNeeded,
  toFault,
  unknownPersonText,
} from './texts.ts';

/** Who is asked to sign in, when and how strongly. */
export interface SignInFlow {
  /**
   * Signs in, or confirms what was asked for last; joins the attempt that is running.
   *
   * @param onCode shows a code for another device instead, and ends the attempt that is running
   */
  signIn(onCode?: (code: DeviceCode) => void): Promise<void>;
  cancel(): Promise<void>;
  /** From now on no person is asked, nor waited for. */
  askNobody(): Promise<void>;
  running(): { readonly url?: string | undefined } | undefined;
  /** For one request: its access, after a sign-in if need be. */
  authorize(signal: AbortSignal): Promise<Access>;
  /** For one request that the relay wants confirmed: whether to try again. */
  stepUp(demand: StepUpDemand, signal: AbortSignal): Promise<boolean>;
}

/** What {@link createSignInFlow} works with. */
export interface SignInFlowDeps {
  readonly agent: Pick<
    AgentDeps,
    'settings' | 'openBrowser' | 'notify' | 'log' | 'signInTimeoutMs' | 'signInBy'
  >;
  readonly relay: URL | undefined;
  /** Named in every question to a person, where there are several relays. */
  readonly title?: string | undefined;
  /** What a person enters to sign in: `latchkey login`. */
  readonly loginCommand: string;
  readonly provider: Provider;
  /** Signs in without a person; nobody is asked then. */
  readonly machine?: Machine | undefined;
  readonly fetch: Fetch;
  readonly callTimeoutMs: number;
  readonly session: Session;
  readonly catalog: CatalogKeeper;
  readonly ledger: () => Ledger | undefined;
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
  readonly onChange: () => void;
}

/**
 * Joins sign-in attempts, the waiting of requests and the session.
 *
 * @param deps the agent's parts
 * @returns the flow, idle
 */
export function createSignInFlow(deps: SignInFlowDeps): SignInFlow {
  const { agent, session, catalog, provider, machine, relay, now } = deps;
  const { log, settings } = agent;
  const auto = settings.get('signIn.auto');
  const waitMs = settings.get('signIn.waitSeconds') * 1000;
  const usualCode = agent.signInBy?.kind === 'device' ? agent.signInBy.onCode : undefined;
  /** Who has to confirm. */
  let before: TokenSet | undefined;
  let asksNobody = false;

  const signIns = createSignIns({
    isSignedIn: () => held() !== undefined,
    login: runLogin,
    adopt,
    discard: (tokens) =>
      void (machine ?? provider).revoke(tokens).catch((e: unknown) => log.warn('revoke', e)),
    onEnd: ended,
    onChange: deps.onChange,
  });

  const isRunning = (): boolean => signIns.running() !== undefined;

  const gate = createSignInGate({
    signIn: signIns.start,
    isRunning,
    auto,
    waitMs,
    isMachine: machine !== undefined,
    now,
    notify: (reason) => agent.notify?.(toFault(reason, now())),
  });

  const stepUps = createStepUps({
    start: confirm,
    isRunning,
    auto,
    waitMs,
    now,
    notify(demand, opened) {
      const api = catalog.current()?.apis.find(({ name }) => name === demand.api);
      const words = confirmText(api?.title, opened, deps.loginCommand);
      const error = inName(new AgentError('step_up', words));
      // Without a tab the window has to offer the way on.
      if (!opened) deps.onFault(error);
      agent.notify?.(toFault(error, now()));
    },
  });

  function inName(error: AgentError): AgentError {
    if (deps.title === undefined) return error;
    return new AgentError(error.code, `${deps.title}: ${error.message}`, { cause: error });
  }

  function held(): TokenSet | undefined {
    return heldTokens(session.state());
  }

  function confirm(challenge: SignInChallenge): Promise<void> {
    before = held();
    return signIns.start({ challenge });
  }

  async function runLogin(
    signal: AbortSignal,
    onUrl: (url: string) => void,
    { challenge, onCode = usualCode }: Wanted,
  ): Promise<TokenSet> {
    if (!relay) throw new AgentError('bad_settings', noRelayText);
    const { openBrowser, signInTimeoutMs: timeoutMs = 300_000 } = agent;
    const { fetch, callTimeoutMs } = deps;
    if (machine) return machine.login(signal);
    const common = {
      relay,
      provider,
      fetch,
      signal,
      callTimeoutMs,
      ...(challenge && { challenge }),
    };
    const show = (url: string): void => {
      gate.opened();
      onUrl(url);
    };
    if (onCode === undefined) return login({ ...common, openBrowser, onUrl: show, timeoutMs });
    return loginByDevice({
      ...common,
      now,
      onCode(code) {
        show(code.completeUrl ?? code.url);
        onCode(code);
      },
    });
  }

  async function adopt(tokens: TokenSet, challenge: SignInChallenge | undefined): Promise<void> {
    if (challenge) checkPerson(before, tokens);
    try {
      const kind = challenge ? 'step-up' : 'sign-in';
      const fields = challenge ? ({ ...asked(challenge), decision: 'allow' } as const) : {};
      await deps.ledger()?.append(kind, { ...person(tokens), ...fields });
    } catch (error) {
      throw new AgentError('audit_unavailable', noAuditText, { cause: error });
    }
    await session.adopt(tokens);
    gate.succeeded();
    // Requests wait for the token, not for the catalogue.
    if (challenge) catalog.loadSoon();
    // The sign-in holds even if the relay can't be asked at this moment.
    else await catalog.load().catch(() => undefined);
  }

  function ended(error: unknown, challenge: SignInChallenge | undefined): void {
    if (error !== undefined) {
      if (challenge) noteFailure(challenge, error);
      else gate.failed(error);
      if (!(error instanceof AgentError && error.code === 'sign_in_cancelled')) {
        deps.onFault(error);
      }
    }
    stepUps.ended(challenge, error);
  }

  function noteFailure(challenge: SignInChallenge, error: unknown): void {
    const who = before ? person(before) : {};
    const { code } = toFault(error, now());
    deps
      .ledger()
      ?.append('step-up', { ...who, ...asked(challenge), decision: 'deny', code })
      .catch((e: unknown) => log.error('audit', e));
  }

  return {
    async signIn(onCode) {
      // Whoever asks for a code sits where the page of a running attempt cannot be seen.
      if (onCode !== undefined) await signIns.cancel();
      const challenge = held() && stepUps.pending();
      if (challenge) before = held();
      return signIns.start({ challenge, onCode });
    },
    cancel: signIns.cancel,
    async askNobody() {
      asksNobody = true;
      await signIns.cancel();
      // Without an attempt there may still be requests that wait for one.
      stepUps.ended(undefined, new AgentError('sign_in_cancelled', 'Latchkey ends.'));
    },
    running: signIns.running,
    async authorize(signal) {
      try {
        return await session.access();
      } catch (error) {
        if (asksNobody || !(error instanceof AgentError && signInNeeded.has(error.code)))
          throw error;
        await gate.wait(inName(error), signal);
        return session.access();
      }
    },
    async stepUp(demand, signal) {
      // No person is there to confirm: the tool gets the relay's own words.
      if (machine || asksNobody) return false;
      const who = held();
      const isDone = await stepUps.ask(demand, signal);
      // What one person asked for is never done as another.
      return isDone && who?.identity?.subject === held()?.identity?.subject;
    },
  };
}

/** OpenID Connect Core §5.7: only issuer and subject together name a person. */
function checkPerson(before: TokenSet | undefined, after: TokenSet): void {
  const [old, fresh] = [before?.identity?.subject, after.identity?.subject];
  if (old === undefined || fresh === undefined) {
    throw new AgentError('other_person', unknownPersonText);
  }
  if (old !== fresh || before?.issuer !== after.issuer) {
    throw new AgentError('other_person', otherPersonText);
  }
}
