import type { Ledger } from '../../../audit/ledger.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import type { AgentDeps } from './agent-deps.ts';
import type { Profile } from './agent-interface.ts';
import type { AgentError } from './errors.ts';
import type { Fetch } from './login/outbound.ts';
import type { ProfileSetup } from './profile-setups.ts';
import type { ProxyProfile } from './proxy/proxy-deps.ts';
import type { TokenSet } from './session/token-set.ts';
import type { Fault, ProfileSnapshot } from './status.ts';
import { createCatalogKeeper } from './catalog-keeper.ts';
import { createActivityFeed } from './activity-feed.ts';
import { fetchCatalog } from './catalog.ts';
import { createMachine } from './login/machine.ts';
import { createProvider } from './login/provider.ts';
import { namedLog } from './log.ts';
import { createProfileFault } from './profile-fault.ts';
import { createReachability, probeRelay, relayFault } from './reachability.ts';
import { createSession } from './session/session.ts';
import { tokenFacts } from './session/token-facts.ts';
import { ensureDataDir } from './settings/data-dir.ts';
import { createSignInFlow } from './sign-in-flow.ts';
import { createSnapshots, heldTokens } from './snapshot.ts';
import { auditShut, openLocalAudit } from './startup.ts';
import { person } from './texts.ts';

const callTimeoutMs = 10_000;

/** A profile as the agent runs it. */
export interface RunningProfile extends Profile {
  /**
   * Opens the audit. A profile whose audit is shut signs nobody in and relays nothing.
   *
   * @returns the ledger, to be closed
   * @throws {AgentError} `already_running`, `audit_unavailable`, `bad_settings` when it has no directory
   */
  openAudit(): Ledger;
  /** Takes up a sealed session; other faults than those given are forgotten, and those stand until another start. */
  begin(faults: readonly unknown[]): Promise<void>;
  blame(error: unknown): void;
  /** What the local port needs; once the audit is open, or known to be shut. */
  side(): ProxyProfile;
  /** Another network, or the end of a sleep: what was known of relay and session may not hold any more. */
  recheck(): void;
  /** Calls the listener with each new record of this profile; returns the unsubscriber. */
  onActivity(listener: (records: readonly AuditRecord[]) => void): () => void;
  /** The audit is closed now. */
  auditClosed(): void;
  /** Ends the waiting for people: nobody finishes a sign-in while Latchkey ends. */
  askNobody(): Promise<void>;
  /** Ends what waits and what runs by itself. */
  end(): Promise<void>;
}

/** What {@link createProfile} works with. */
export interface ProfileDeps {
  readonly agent: AgentDeps;
  readonly setup: ProfileSetup;
  /** Whether there are others, too: texts then name this one. */
  readonly isNamed: boolean;
  readonly fetch: Fetch;
  readonly now: () => number;
  /** Where the relay's paths begin at the local port. */
  readonly localUrl: () => string | undefined;
  /** Where APIs are that have a port of their own, by their names; another map when they change. */
  readonly ownUrls: () => ReadonlyMap<string, string>;
  /** Which fault a snapshot tells, as some stand until another start. */
  readonly shown: (own: Fault | undefined) => Fault | undefined;
  readonly onChange: () => void;
}

/**
 * Makes one relay's side of the agent: session, vault, sign-in, catalogue and audit of its own.
 *
 * @param deps what it is made from, and what all profiles have in common
 * @returns the profile, signed out
 */
export function createProfile(deps: ProfileDeps): RunningProfile {
  const { agent, setup, isNamed, fetch, now } = deps;
  const { name, title, relay } = setup;
  const log = isNamed ? namedLog(agent.log, name) : agent.log;
  const vault = agent.vaultAt(setup.dir);
  const provider = createProvider({ fetch, now, timeoutMs: callTimeoutMs });
  const machine =
    agent.signInBy?.kind === 'machine' && relay
      ? createMachine({ relay, client: agent.signInBy.client, provider, fetch, callTimeoutMs })
      : undefined;
  const loginCommand = isNamed ? `latchkey login --profile ${name}` : 'latchkey login';
  const describe = createSnapshots();
  const feed = createActivityFeed();
  let ledger: Ledger | undefined;
  /** Why the audit could not be opened: the fault that nothing but another start ends. */
  let shut: AgentError | undefined;
  const fault = createProfileFault({ log, now, shut: () => shut, onChange: deps.onChange });
  const { blame, forgive } = fault;

  const session = createSession({
    provider: machine ?? provider,
    vault,
    now,
    loginCommand,
    onChange(state) {
      log.info('session', { state: state.kind });
      if (state.kind === 'active') forgive();
      else if (state.kind !== 'none') blame(state.error);
      if (state.kind === 'none' || state.kind === 'expired') catalog.forget();
      deps.onChange();
    },
    onRefreshed: (tokens) => note('refresh', tokens),
    onWarning: (event, error) => log.warn(event, error),
  });

  const reach = createReachability({
    probe: () => probeRelay(relay, fetch, callTimeoutMs),
    onChange(reachable) {
      log.info('relay', { reachable });
      if (reachable) {
        if (fault.current()?.code === 'relay_unreachable') forgive();
        if (session.state().kind === 'offline') session.wake();
        catalog.loadSoon();
      } else blame(reach.fault());
      deps.onChange();
    },
  });

  const catalog = createCatalogKeeper({
    relay,
    session,
    fetchCatalog: (url, access) => fetchCatalog(url, access, { fetch, timeoutMs: callTimeoutMs }),
    relayReached: reach.reached,
    relayFailed: reach.failed,
    onFault: blame,
    onChange: deps.onChange,
  });

  const flow = createSignInFlow({
    agent: { ...agent, log },
    relay,
    title: isNamed ? title : undefined,
    loginCommand,
    provider,
    machine,
    fetch,
    callTimeoutMs,
    session,
    catalog,
    ledger: () => ledger,
    now,
    onFault: blame,
    onChange: deps.onChange,
  });

  function snapshot(): ProfileSnapshot {
    const attempt = flow.running();
    return describe({
      name,
      title,
      session: session.state(),
      isAttempting: attempt !== undefined,
      signInUrl: attempt?.url,
      isRelayReachable: reach.fault() === undefined,
      catalog: catalog.current(),
      relay,
      localUrl: deps.localUrl(),
      ownUrls: deps.ownUrls(),
      fault: deps.shown(fault.current()),
      store: vault.kind,
    });
  }

  const held = (): TokenSet | undefined => heldTokens(session.state());

  function note(kind: 'refresh' | 'sign-out', tokens: TokenSet): void {
    ledger?.append(kind, person(tokens)).catch((error: unknown) => log.error('audit', error));
  }

  async function forgetSession(): Promise<void> {
    const tokens = held();
    forgive();
    if (tokens) note('sign-out', tokens);
    await session.signOut();
  }

  function checkAudit(): void {
    if (shut !== undefined) throw shut;
  }

  return {
    name,
    title,
    snapshot,
    blame,
    onActivity: feed.listen,
    openAudit() {
      shut = undefined;
      try {
        ensureDataDir(setup.dir);
        ledger = openLocalAudit(
          setup.dir,
          now,
          (error) => log.error('audit', error),
          () => agent.settings.get('audit.retentionDays'),
        );
      } catch (error) {
        shut = error as AgentError;
        blame(error);
        throw error;
      }
      feed.follow(ledger);
      return ledger;
    },
    recheck() {
      reach.recheck();
      session.wake();
    },
    auditClosed() {
      feed.follow(undefined);
      ledger = undefined;
    },
    async begin(faults) {
      fault.stand(faults);
      if (relay === undefined || shut !== undefined) return;
      if (await session.restore(relay.origin)) catalog.loadSoon();
    },
    side: () => ({
      name,
      title,
      relayUrl() {
        checkAudit();
        return relay;
      },
      snapshot,
      async apis() {
        if (catalog.current() === undefined) await catalog.load();
        return snapshot().apis;
      },
      authorize: flow.authorize,
      stepUp: flow.stepUp,
      renew: (token) => session.renew(token),
      relayReached: reach.reached,
      relayFailed: (error) => reach.failed(relayFault(relay, error)),
      ledger: ledger ?? { admit: () => Promise.reject(shut ?? auditShut()) },
    }),
    async signIn(onCode) {
      checkAudit();
      await flow.signIn(onCode);
      return snapshot();
    },
    token() {
      const tokens = held();
      return tokens && tokenFacts(tokens);
    },
    cancelSignIn: () => void flow.cancel(),
    async signOut() {
      const cancelled = flow.cancel();
      await forgetSession();
      await cancelled;
      // A sign-in in its last step may have brought tokens meanwhile.
      if (held()) await forgetSession();
      deps.onChange();
    },
    async refreshApis() {
      // It says why it has no token.
      if (!held()) await session.access();
      await catalog.load();
      return snapshot().apis;
    },
    activity(query) {
      checkAudit();
      if (!ledger) throw auditShut();
      return ledger.query(query);
    },
    askNobody: flow.askNobody,
    async end() {
      await flow.cancel();
      session.close();
      reach.close();
    },
  };
}
