import { join } from 'node:path';
import type { Profile } from '../../app/main/agent/agent-interface.ts';
import { controlAddress } from '../../app/main/agent/control/address.ts';
import { openControl } from '../../app/main/agent/control/server.ts';
import type { ToolKeys } from '../../app/main/agent/proxy/tool-key.ts';
import { createToolKeys } from '../../app/main/agent/proxy/tool-keys.ts';
import { findProfile } from '../../app/main/agent/settings/relays.ts';
import type { AgentSnapshot, ApiInfo, ProfileSnapshot } from '../../app/main/agent/status.ts';

/** The control socket of an agent with real keys and a catalogue of the test's making. */
export interface KeyAgent {
  readonly address: string;
  readonly keys: ToolKeys;
  close(): Promise<void>;
}

/** One API as the relay might name it. */
export function apiNamed(name: string, localUrl = `http://localhost:5390/${name}`): ApiInfo {
  return { name, title: name, path: `/${name}`, hosts: [], rules: [], localUrl };
}

function profileOf(snapshot: ProfileSnapshot): Profile {
  const { name, title, apis } = snapshot;
  return {
    name,
    title,
    snapshot: () => snapshot,
    signIn: () => Promise.resolve(snapshot),
    cancelSignIn: () => undefined,
    signOut: () => Promise.resolve(),
    refreshApis: () => Promise.resolve(apis),
    activity: () => ({ records: [] }),
    token: () => undefined,
  };
}

/** Opens the control socket of a data directory. */
export async function openKeyAgent(
  dataDir: string,
  options: {
    readonly snapshot?: Partial<AgentSnapshot>;
  } = {},
): Promise<KeyAgent> {
  const failed = (error: unknown): never => {
    throw error;
  };
  const keys = createToolKeys({
    file: join(dataDir, 'tool-keys.json'),
    now: Date.now,
    onError: failed,
  });
  const snapshot: AgentSnapshot = {
    status: 'ready',
    localUrl: 'http://localhost:5390',
    apis: [apiNamed('billing'), apiNamed('people-2')],
    store: 'memory',
    version: '0.0.0',
    ...options.snapshot,
  };
  const profiles = (snapshot.profiles ?? [{ name: 'acme', title: 'Acme', ...snapshot }]).map(
    profileOf,
  );
  const address = controlAddress(dataDir);
  const settings = [{ key: 'port', value: 5390, source: 'default', locked: false }] as const;
  const control = await openControl(address, {
    snapshot: () => snapshot,
    onChange: () => () => undefined,
    profile: (name) => findProfile(profiles, name ?? 'acme', (each) => each.name),
    profiles: () => profiles,
    keys,
    policy: () => ({ settings, faults: [] }),
  });
  return {
    address,
    keys,
    async close() {
      await control.close();
      await keys.close();
    },
  };
}
