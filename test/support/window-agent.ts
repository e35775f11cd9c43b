import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent, Profile } from '../../app/main/agent/agent-interface.ts';
import { AgentError } from '../../app/main/agent/errors.ts';
import { createToolKeys } from '../../app/main/agent/proxy/tool-keys.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import type { AgentSnapshot, ProfileSnapshot } from '../../app/main/agent/status.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { changeSetting } from '../../app/main/ipc/change-setting.ts';
import type { Finding } from '../../app/main/doctor/check.ts';
import { createHandlers, type HandlerDeps } from '../../app/main/ipc/handlers.ts';
import type { StartAtLoginView } from '../../app/main/start-at-login.ts';

/** An agent that stands still in a given state, with real keys and settings, behind the window's real handlers. */
export interface WindowAgent {
  readonly answer: ReturnType<typeof createHandlers>;
  readonly dataDir: string;
  readonly policyFile: string;
  /** What calls led to, in order. */
  readonly done: string[];
  readonly keys: Agent['keys'];
  snapshot: AgentSnapshot;
  /** By profile; `''` while there is only one. */
  records: Readonly<Record<string, readonly AuditRecord[]>>;
  /** Of the checks, as {@link records}. */
  findings: Readonly<Record<string, readonly Finding[]>>;
  /** What the system does at login. */
  startAtLogin: StartAtLoginView;
  /** Removes what it wrote. */
  close(): Promise<void>;
}

/**
 * Makes the agent.
 *
 * @param origin from where the window calls
 * @param snapshot its state; may be replaced at any time
 * @param changes to a profile's deeds
 * @returns the agent; close it
 */
export function createWindowAgent(
  origin: string,
  snapshot: AgentSnapshot,
  changes: Partial<Profile> = {},
): WindowAgent {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-window-'));
  const policyFile = join(dataDir, 'policy.json');
  const done: string[] = [];
  const note = (what: string, ...more: readonly unknown[]): Promise<never> => {
    done.push([what, ...more.map(String)].join(' '));
    return Promise.resolve(self.snapshot as never);
  };
  const keys = createToolKeys({
    file: join(dataDir, 'tool-keys.json'),
    now: Date.now,
    onError: (error) => void done.push(`error ${String(error)}`),
  });
  const settings = () => loadSettings({ dataDir, env: {}, systemPolicyPath: policyFile });

  function profile(name?: string): Profile {
    const shown = self.snapshot.profiles?.find((one) => one.name === name);
    if (name !== undefined && shown === undefined) {
      throw new AgentError('unknown_profile', `There is no profile ${name}.`);
    }
    const which = name === undefined ? [] : [name];
    const side: ProfileSnapshot = shown ?? { ...self.snapshot, name: 'first', title: 'First' };
    return {
      name: side.name,
      title: side.title,
      snapshot: () => side,
      signIn: () => note('signIn', ...which),
      cancelSignIn: () => void note('cancelSignIn', ...which),
      signOut: () => note('signOut', ...which),
      refreshApis: () => note('refreshApis', ...which),
      activity: () => ({ records: self.records[name ?? ''] ?? [] }),
      token: () => undefined,
      ...changes,
    };
  }

  const deps: HandlerDeps = {
    agent: () => ({ snapshot: () => self.snapshot, profile, keys }),
    dataDir,
    settings,
    saveSetting(key, value) {
      changeSetting(dataDir, settings(), key, value);
      return note('restart');
    },
    startAtLogin: () => self.startAtLogin,
    diagnose: async (name) => {
      profile(name);
      return self.findings[name ?? ''] ?? [];
    },
    setRelay: (url) => note('setRelay', url),
    retry: () => note('retry'),
    copy: (text) => note('copy', text),
    openBrowser: (url) => note('open', url),
    openHelp: (address) => note('help', address),
    onError: (call) => void done.push(`error in ${call}`),
  };
  const self: WindowAgent = {
    answer: createHandlers(deps, origin),
    dataDir,
    policyFile,
    done,
    keys,
    snapshot,
    records: {},
    findings: {},
    startAtLogin: { isOn: false },
    async close() {
      await keys.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return self;
}
