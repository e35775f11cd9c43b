import { join } from 'node:path';
import type { Agent } from './agent-interface.ts';
import type { Ledger } from '../../../audit/ledger.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import type { AgentDeps } from './agent-deps.ts';
import type { Fetch } from './login/outbound.ts';
import type { ProxyDeps } from './proxy/proxy-deps.ts';
import type { TokenSet } from './session/token-set.ts';
import type { AgentSnapshot, Fault } from './status.ts';
import { createCatalogKeeper } from './catalog-keeper.ts';
import { fetchCatalog } from './catalog.ts';
import { controlAddress } from './control/address.ts';
import { openControl } from './control/server.ts';
import { AgentError } from './errors.ts';
import { inOrder } from './in-order.ts';
import { doors } from './local-port.ts';
import { parseRelayUrl } from './login/outbound.ts';
import { createMachine } from './login/machine.ts';
import { createProvider } from './login/provider.ts';
import { createNetwork } from './network/network.ts';
import { policyReport } from './policy-report.ts';
import { createProxy } from './proxy/server.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import { createToolKeys } from './proxy/tool-keys.ts';
import { createReachability, probeRelay, relayFault } from './reachability.ts';
import { createSession } from './session/session.ts';
import { ensureDataDir } from './settings/data-dir.ts';
import { createSignInFlow } from './sign-in-flow.ts';
import { createSnapshots, heldTokens } from './snapshot.ts';
import { closeParts, openLocalAudit, openParts } from './startup.ts';
import { person, toFault } from './texts.ts';

const callTimeoutMs = 10_000;

/**
 * Makes the agent; nothing is opened before `start`.
 *
 * @param deps settings, vault, browser, log
 * @returns the agent, signed out
 * @throws {AgentError} `bad_settings` when `relay` is not an address
 */
export function createAgent(deps: AgentDeps): Agent {
  const { settings, log, vault } = deps;
  const now = deps.now ?? Date.now;
  const network = createNetwork({
    proxy: settings.get('network.proxy'),
    caFile: settings.get('network.caFile'),
    env: deps.env ?? process.env,
    resolveSystem: deps.resolveSystem,
    ownPort: () => (localUrl === undefined ? undefined : Number(new URL(localUrl).port)),
    now,
  });
  const fetch: Fetch = deps.fetch ?? network.fetch;
  const address = deps.relay ?? settings.get('relays')[0]?.url;
  const relay = address === undefined ? undefined : parseRelayUrl(address);
  const provider = createProvider({ fetch, now, timeoutMs: callTimeoutMs });
  const machine =
    deps.signInBy?.kind === 'machine' && relay
      ? createMachine({ relay, client: deps.signInBy.client, provider, fetch, callTimeoutMs })
      : undefined;
  const listeners = new Set<(snapshot: AgentSnapshot) => void>();
  const watchers = new Set<(records: readonly AuditRecord[]) => void>();
  const opened: { close(): Promise<void> }[] = [];
  let ledger: Ledger | undefined;
  let localUrl: string | undefined;
  let fault: Fault | undefined;
  let shown = '';
  const describe = createSnapshots();
  const tell = inOrder((next: AgentSnapshot) => listeners.forEach((listener) => listener(next)));

  const session = createSession({
    provider: machine ?? provider,
    vault,
    now,
    onChange(state) {
      log.info('session', { state: state.kind });
      if (state.kind === 'active') fault = undefined;
      else if (state.kind !== 'none') blame(state.error);
      if (state.kind === 'none' || state.kind === 'expired') catalog.forget();
      changed();
    },
    onRefreshed: (tokens) => note('refresh', tokens),
    onWarning: (event, error) => log.warn(event, error),
  });

  const reach = createReachability({
    probe: () => probeRelay(relay, fetch, callTimeoutMs),
    onChange(reachable) {
      log.info('relay', { reachable });
      if (reachable) {
        if (fault?.code === 'relay_unreachable') fault = undefined;
        if (session.state().kind === 'offline') session.wake();
        catalog.loadSoon();
      } else blame(reach.fault());
      changed();
    },
  });

  const catalog = createCatalogKeeper({
    relay,
    session,
    fetchCatalog: (url, access) => fetchCatalog(url, access, { fetch, timeoutMs: callTimeoutMs }),
    relayReached: reach.reached,
    relayFailed: reach.failed,
    onFault: blame,
    onChange: changed,
  });

  const flow = createSignInFlow({
    agent: deps,
    relay,
    provider,
    machine,
    fetch,
    callTimeoutMs,
    session,
    catalog,
    ledger: () => ledger,
    now,
    onFault: blame,
    onChange: changed,
  });

  function snapshot(): AgentSnapshot {
    return describe({
      session: session.state(),
      attempt: flow.running(),
      isRelayReachable: reach.fault() === undefined,
      catalog: catalog.current(),
      relay,
      localUrl,
      fault,
      store: vault.kind,
      version: deps.version,
    });
  }

  const held = (): TokenSet | undefined => heldTokens(session.state());

  function changed(): void {
    const next = snapshot();
    const text = JSON.stringify(next);
    if (text === shown) return;
    shown = text;
    tell(next);
  }

  function blame(error: unknown): void {
    fault = toFault(error, now());
    log.warn('fault', error, { code: fault.code });
    changed();
  }

  function note(kind: 'refresh' | 'sign-out', tokens: TokenSet): void {
    ledger?.append(kind, person(tokens)).catch((error: unknown) => log.error('audit', error));
  }

  function proxyDeps(audit: Ledger, keys: ToolKeys): ProxyDeps {
    return {
      port: deps.port ?? settings.get('port'),
      ...doors(settings, deps.dataDir, keys),
      auditFailed: (error) => log.error('audit', error),
      version: deps.version,
      relayUrl: () => relay,
      relayPath: network.relayPath,
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
      ledger: audit,
      now,
    };
  }

  /** Resolves to the faults of what could not be opened beside the port. */
  async function open(): Promise<readonly unknown[]> {
    ensureDataDir(deps.dataDir);
    const keys = createToolKeys({
      file: join(deps.dataDir, 'tool-keys.json'),
      now,
      onError: (error) => log.error('tool-keys', error),
    });
    opened.push(keys);
    const parts = await openParts(
      {
        openAudit: () => openLocalAudit(deps.dataDir, now, (error) => log.error('audit', error)),
        openControl: () =>
          openControl(controlAddress(deps.dataDir), {
            ...self,
            keys,
            policy: () => policyReport(settings),
          }),
        createProxy: (audit) => (deps.createProxy ?? createProxy)(proxyDeps(audit, keys)),
        port: deps.port ?? settings.get('port'),
      },
      opened,
    );
    ledger = parts.ledger;
    localUrl = `http://localhost:${parts.port}`;
    ledger.subscribe((records) => watchers.forEach((watcher) => watcher(records)));
    return parts.faults;
  }

  async function shut(): Promise<void> {
    await closeParts(opened, (error) => log.error('close', error));
    ledger = undefined;
    localUrl = undefined;
  }

  const self: Agent = {
    async start() {
      if (opened.length > 0) return;
      let faults: readonly unknown[];
      try {
        faults = await open();
      } catch (error) {
        await shut();
        blame(error);
        throw error;
      }
      fault = undefined;
      faults.forEach(blame);
      const restored = relay ? await session.restore(relay.origin) : false;
      if (restored) catalog.loadSoon();
      changed();
    },
    snapshot,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async signIn() {
      await flow.signIn();
      return snapshot();
    },
    cancelSignIn: () => void flow.cancel(),
    async signOut() {
      void flow.cancel();
      const tokens = held();
      fault = undefined;
      if (tokens) note('sign-out', tokens);
      await session.signOut();
      changed();
    },
    async refreshApis() {
      if (!held()) throw new AgentError('signed_out', 'You are signed out. Sign in first.');
      await catalog.load();
      return snapshot().apis;
    },
    activity(query) {
      if (!ledger) throw new AgentError('audit_unavailable', 'The local audit is not open.');
      return ledger.query(query);
    },
    onActivity(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    async close() {
      await flow.cancel();
      session.close();
      reach.close();
      await shut();
    },
  };
  return self;
}
