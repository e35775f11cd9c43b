import type { AgentSnapshot } from '../main/agent/status.ts';
import type { Output } from './output.ts';
import { createAgent } from '../main/agent/agent.ts';
import { AgentError } from '../main/agent/errors.ts';
import { createLog } from '../main/agent/log.ts';
import { createMemoryVault } from '../main/agent/session/vault.ts';
import { ensureDataDir } from '../main/agent/settings/data-dir.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { openBrowser } from './browser.ts';

/** The options of `latchkey agent`. */
export interface AgentOptions {
  readonly dataDir: string;
  readonly version: string;
  readonly relay?: string | undefined;
  readonly port?: number | undefined;
  readonly browser: boolean;
}

/**
 * Runs the agent without a window until SIGTERM or SIGINT; one JSON object a line on stdout.
 *
 * @param options what the command line said
 * @param output where events go
 * @returns the exit code, 0 after a signal
 * @throws {AgentError} when it can't start
 */
export async function runAgent(options: AgentOptions, output: Output): Promise<number> {
  const event = (name: string, fields: object): void =>
    output.out(`${JSON.stringify({ event: name, ...fields })}\n`);
  ensureDataDir(options.dataDir);
  const settings = loadSettings({ dataDir: options.dataDir });
  const log = createLog({ level: settings.get('log.level') });
  for (const fault of settings.faults) log.warn('settings', undefined, { fault });
  const agent = createAgent({
    dataDir: options.dataDir,
    settings,
    vault: createMemoryVault(),
    openBrowser: options.browser ? openBrowser : () => Promise.resolve(),
    version: options.version,
    log,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.relay === undefined ? {} : { relay: options.relay }),
  });
  const stopped = untilSignal();
  try {
    await agent.start();
    event('listening', listening(agent.snapshot()));
    event('status', statusEvent(agent.snapshot()));
    watch(agent.onChange, event);
    const { status } = agent.snapshot();
    if (settings.get('signIn.auto') && status === 'signed-out' && agent.snapshot().relay) {
      // The fault is told by a status event; tools may start another attempt later.
      agent.signIn().catch(() => undefined);
    }
    await stopped;
    return 0;
  } finally {
    await agent.close();
  }
}

/** A sign-in URL is told as soon as it is known, and once; a status when it differs from the last. */
function watch(
  onChange: (listener: (snapshot: AgentSnapshot) => void) => void,
  event: (name: string, fields: object) => void,
): void {
  let lastUrl: string | undefined;
  let lastStatus = '';
  onChange((snapshot) => {
    if (snapshot.signInUrl !== undefined && snapshot.signInUrl !== lastUrl) {
      event('sign-in-url', { url: snapshot.signInUrl });
    }
    lastUrl = snapshot.signInUrl;
    const fields = statusEvent(snapshot);
    const { fault } = snapshot;
    const key = JSON.stringify([fields.status, fields.user, fields.apis, fault?.message]);
    if (key === lastStatus) return;
    lastStatus = key;
    event('status', fields);
  });
}

interface StatusEvent extends Pick<AgentSnapshot, 'status' | 'user' | 'relay' | 'fault'> {
  readonly apis: readonly string[];
}

function statusEvent(snapshot: AgentSnapshot): StatusEvent {
  const { status, user, relay, fault } = snapshot;
  return {
    status,
    ...(user && { user }),
    ...(relay && { relay }),
    apis: snapshot.apis.map((api) => api.name),
    ...(fault && { fault }),
  };
}

function listening(snapshot: AgentSnapshot): object {
  if (snapshot.localUrl === undefined) {
    throw new AgentError('internal', 'The local port is not bound.');
  }
  const { port } = new URL(snapshot.localUrl);
  return {
    url: `http://127.0.0.1:${port}`,
    local: snapshot.localUrl,
    relay: snapshot.relay,
    version: snapshot.version,
  };
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
