import { join } from 'node:path';
import type { Agent } from './agent-interface.ts';
import type { AgentDeps } from './agent-deps.ts';
import type { AgentSnapshot } from './status.ts';
import { createAddresses } from './addresses.ts';
import { createAgentEvents } from './agent-events.ts';
import { controlAddress } from './control/address.ts';
import { openControl } from './control/server.ts';
import type { ControlTarget } from './control/target.ts';
import { AgentError } from './errors.ts';
import { doors } from './local-port.ts';
import { createNetwork } from './network/network.ts';
import { policyReport } from './policy-report.ts';
import { profileSetups } from './profile-setups.ts';
import { createProfile, type RunningProfile } from './profile.ts';
import type { Proxy } from './proxy/proxy-deps.ts';
import { createProxy } from './proxy/server.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import { createToolKeys } from './proxy/tool-keys.ts';
import { recordedKeys } from './recorded-keys.ts';
import { ensureDataDir } from './settings/data-dir.ts';
import { keepRoot } from './settings/profile-dirs.ts';
import { findProfile } from './settings/relays.ts';
import { agentSnapshot } from './snapshot.ts';
import { createStandingFaults } from './standing-faults.ts';
import { closeParts, openAudits, openParts, type Closable, type DoorFault } from './startup.ts';
import { watchWakes, type WakeReason } from './wake-watch.ts';

/**
 * Makes the agent: one port, one control socket and one set of tool keys before one or several profiles;
 * nothing is opened before `start`.
 *
 * @param deps settings, vaults, browser, log
 * @returns the agent, signed out
 * @throws {AgentError} `bad_settings` when `relay` is not an address, `unknown_profile`, `bad_usage` when
 *   there is no profile to sign in to, or it is not clear which one
 */
export function createAgent(deps: AgentDeps): Agent {
  const { dataDir, settings, log, version } = deps;
  const now = deps.now ?? Date.now;
  const { setups, root } = profileSetups(deps);
  const isNamed = setups.length > 1;
  const addresses = createAddresses(isNamed);
  const events = createAgentEvents(snapshot);
  const standing = createStandingFaults(settings, now);
  const network = createNetwork({
    proxy: settings.get('network.proxy'),
    caFile: settings.get('network.caFile'),
    env: deps.env ?? process.env,
    resolveSystem: deps.resolveSystem,
    ownPort: addresses.port,
    now,
  });
  const port = deps.port ?? settings.get('port');
  const opened: Closable[] = [];
  let keys: ToolKeys | undefined;
  let proxy: Proxy | undefined;

  const profiles = setups.map((setup) =>
    createProfile({
      agent: deps,
      setup,
      isNamed,
      fetch: deps.fetch ?? network.fetch,
      now,
      localUrl: () => addresses.of(setup.name),
      ownUrls: () => addresses.ownUrls(setup.name),
      shown: standing.shown,
      onChange: events.changed,
    }),
  ) as [RunningProfile, ...RunningProfile[]];
  const [first] = profiles;

  function snapshot(): AgentSnapshot {
    return agentSnapshot(
      profiles.map((each) => each.snapshot()),
      addresses.shared(),
      version,
    );
  }

  function profile(name?: string): RunningProfile {
    return name === undefined ? first : findProfile(profiles, name, (each) => each.name);
  }

  const auditFailed = (error: unknown): void => log.error('audit', error);

  const target = (toolKeys: ToolKeys): ControlTarget => ({
    snapshot,
    onChange: events.onChange,
    profile,
    profiles: () => profiles,
    keys: toolKeys,
    policy: () => policyReport(settings),
  });

  /** Resolves to the faults of what could not be opened beside the port. */
  async function open(): Promise<readonly DoorFault[]> {
    ensureDataDir(dataDir);
    if (root !== undefined) keepRoot(dataDir, root);
    const stored = createToolKeys({
      file: join(dataDir, 'tool-keys.json'),
      now,
      onError: (error) => log.error('tool-keys', error),
    });
    opened.push(stored);
    standing.keysUnreadable(stored.fault);
    const ledger = openAudits(profiles, opened);
    const toolKeys = recordedKeys(
      stored,
      (fields) => void ledger.append('config', fields).catch(auditFailed),
    );
    keys = toolKeys;
    const { faults, ...entrances } = doors(settings, dataDir, toolKeys, setups);
    const parts = await openParts(
      {
        openControl: () => openControl(controlAddress(dataDir), target(toolKeys)),
        createProxy: () =>
          createProxy({
            port,
            ...entrances,
            profiles: profiles.map((each) => each.side()),
            ledger,
            relayPath: network.relayPath,
            snapshot,
            auditFailed,
            now,
            version,
          }),
        port,
      },
      opened,
    );
    proxy = parts.proxy;
    const stopWatching = watchWakes({ onWake: wake });
    opened.push({ close: () => Promise.resolve(stopWatching()) });
    addresses.opened(parts);
    return [...faults.map((fault) => ({ fault })), ...parts.faults];
  }

  function wake(reason: WakeReason): void {
    log.info('wake', { reason });
    proxy?.renewConnections();
    profiles.forEach((each) => each.recheck());
  }

  async function shut(): Promise<void> {
    await closeParts(opened, (error) => log.error('close', error));
    profiles.forEach((each) => each.auditClosed());
    keys = undefined;
    proxy = undefined;
    addresses.closed();
  }

  return {
    async start() {
      if (opened.length > 0) return;
      let faults: readonly DoorFault[];
      try {
        faults = await open();
      } catch (error) {
        await shut();
        first.blame(error);
        throw error;
      }
      const faultsOf = (each: RunningProfile): readonly unknown[] =>
        faults.filter((one) => profile(one.profile) === each).map(({ fault }) => fault);
      await Promise.all(profiles.map((each) => each.begin(faultsOf(each))));
      events.changed();
    },
    snapshot,
    onChange: events.onChange,
    async signIn() {
      await first.signIn();
      return snapshot();
    },
    cancelSignIn: () => first.cancelSignIn(),
    signOut: () => first.signOut(),
    refreshApis: () => first.refreshApis(),
    activity: (query) => first.activity(query),
    onActivity(listener) {
      const stops = profiles.map((each) =>
        each.onActivity((records) => {
          if (isNamed) listener(records, each.name);
          else listener(records);
        }),
      );
      return () => stops.forEach((stop) => stop());
    },
    profile,
    profiles: () => profiles,
    get keys() {
      if (keys === undefined) throw new AgentError('not_running', 'Latchkey has not started.');
      return keys;
    },
    wake,
    async close(grace = { ms: 0 }) {
      await Promise.all([proxy?.drain(grace), ...profiles.map((each) => each.askNobody())]);
      await Promise.all(profiles.map((each) => each.end()));
      await shut();
    },
  };
}
