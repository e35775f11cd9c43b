import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Agent } from '../../app/main/agent/agent-interface.ts';
import type { AgentDeps } from '../../app/main/agent/agent-deps.ts';
import { createAgent } from '../../app/main/agent/agent.ts';
import { createLog } from '../../app/main/agent/log.ts';
import { serializeTokenSet } from '../../app/main/agent/session/token-set.ts';
import { createMemoryVault, type Vault } from '../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import type { Fault } from '../../app/main/agent/status.ts';
import { privateDir } from './private-dir.ts';

/** One request as a relay received it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly token: string;
}

/** A relay that takes any token, and notes what it gets. */
export interface HeardRelay {
  readonly url: string;
  /** Requests of tools so far. */
  readonly seen: readonly Seen[];
  /** Answers tools' requests from now on; 200 with the relay's name at first. */
  answer(listener: (request: IncomingMessage, response: ServerResponse) => void): void;
  close(): Promise<void>;
}

/**
 * Starts a relay on loopback that lists one API, `billing`.
 *
 * @param t closes it
 * @param name what it answers
 * @param hosts the API's names inside the company
 * @returns the running relay
 */
export async function startHeardRelay(
  t: TestContext,
  name: string,
  hosts: readonly string[] = [],
): Promise<HeardRelay> {
  const seen: Seen[] = [];
  let answer = (_request: IncomingMessage, response: ServerResponse): void =>
    void response.end(name);
  const own: Readonly<Record<string, unknown>> = {
    '/.latchkey/whoami': { user: `alice at ${name}` },
    '/.latchkey/apis': { apis: [{ name: 'billing', path: '/billing', hosts }] },
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    if (url in own) response.end(JSON.stringify(own[url]));
    else {
      seen.push({ method, url, token: headers.authorization ?? '' });
      answer(request, response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  t.after(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer(listener) {
      answer = listener;
    },
    close,
  };
}

/** An agent with several profiles, in this process, on a real port. */
export interface ProfileBench {
  readonly agent: Agent;
  readonly dataDir: string;
  /** `127.0.0.1:PORT`. */
  readonly authority: string;
  readonly port: number;
  /** Pages that a browser would have opened. */
  readonly tabs: readonly string[];
  readonly notices: readonly Fault[];
}

/** Keeps sessions between agents of a test, as a sealed file would. */
export function createVaults(): (dir: string) => Vault {
  const vaults = new Map<string, Vault>();
  return (dir) => {
    const vault = vaults.get(dir) ?? createMemoryVault();
    vaults.set(dir, vault);
    return vault;
  };
}

/** Signs somebody in beforehand. */
export function seed(vault: Vault, relay: string, accessToken: string): Promise<void> {
  const obtainedAtMs = Date.now();
  return vault.save(
    serializeTokenSet({
      accessToken,
      identity: { subject: 'alice' },
      obtainedAtMs,
      expiresAtMs: obtainedAtMs + 300_000,
      issuer: 'http://127.0.0.1:9',
      clientId: 'latchkey-desktop',
      resource: relay,
      tokenType: 'bearer',
    }),
  );
}

/** Starts an agent with these settings. */
export async function startProfiles(
  t: TestContext,
  settings: object,
  changes: Partial<AgentDeps> = {},
): Promise<ProfileBench> {
  const dataDir = changes.dataDir ?? privateDir(t);
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(settings));
  const tabs: string[] = [];
  const notices: Fault[] = [];
  const agent = createAgent({
    dataDir,
    settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
    vaultAt: createMemoryVault,
    openBrowser: (url) => Promise.resolve(void tabs.push(url)),
    notify: (fault) => void notices.push(fault),
    version: '0.0.0-test',
    log: createLog({ level: 'error', destination: { write: () => undefined } }),
    port: 0,
    ...changes,
  });
  t.after(() => agent.close());
  await agent.start();
  const port = Number(new URL(agent.snapshot().localUrl ?? '').port);
  return { agent, dataDir, authority: `127.0.0.1:${port}`, port, tabs, notices };
}
