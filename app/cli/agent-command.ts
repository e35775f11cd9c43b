import type { Output } from './output.ts';
import { createAgent } from '../main/agent/agent.ts';
import type { Agent } from '../main/agent/agent-interface.ts';
import type { SignInBy } from '../main/agent/agent-deps.ts';
import { createAnnouncer } from '../main/agent/announce.ts';
import { SIGNAL_GRACE_MS } from '../main/agent/grace.ts';
import { createLog } from '../main/agent/log.ts';
import { readClientKey } from '../main/agent/login/machine-key.ts';
import { createMemoryVault } from '../main/agent/session/vault.ts';
import { ensureDataDir } from '../main/agent/settings/data-dir.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { openBrowser } from './browser.ts';

/** The options of `latchkey agent`. */
export interface AgentOptions {
  readonly dataDir: string;
  readonly version: string;
  readonly relay?: string | undefined;
  /** Only this one of the settings' relays. */
  readonly profile?: string | undefined;
  readonly port?: number | undefined;
  readonly browser: boolean;
  /** Instead of the browser. */
  readonly signIn?:
    | { readonly kind: 'device' }
    | {
        readonly kind: 'machine';
        readonly keyFile: string;
        readonly clientId: string;
        readonly issuer?: string;
      }
    | undefined;
}

/** Reads what a machine signs in with, or prepares to tell a person the code. */
async function signInBy(
  signIn: AgentOptions['signIn'],
  output: Output,
): Promise<SignInBy | undefined> {
  if (signIn === undefined) return undefined;
  if (signIn.kind === 'device') {
    return {
      kind: 'device',
      onCode: ({ userCode, url, completeUrl, expiresAtMs }) =>
        output.out(
          `${JSON.stringify({ event: 'device-code', userCode, url, completeUrl, expiresAtMs })}\n`,
        ),
    };
  }
  const { clientId, issuer, keyFile } = signIn;
  const key = await readClientKey(keyFile);
  return {
    kind: 'machine',
    client: { clientId, key, ...(issuer === undefined ? {} : { issuer }) },
  };
}

/**
 * Runs the agent without a window until SIGTERM or SIGINT; one JSON object a line on stdout. Requests that run
 * then may end, until a second signal comes.
 *
 * @param options what the command line said
 * @param output where events go
 * @returns the exit code, 0 after a signal
 * @throws {AgentError} when it can't start
 */
export async function runAgent(options: AgentOptions, output: Output): Promise<number> {
  const by = await signInBy(options.signIn, output);
  const announce = createAnnouncer((line) => output.out(line));
  ensureDataDir(options.dataDir);
  const settings = loadSettings({ dataDir: options.dataDir });
  const log = createLog({ level: settings.get('log.level') });
  for (const fault of settings.faults) log.warn('settings', undefined, { fault });
  const agent = createAgent({
    dataDir: options.dataDir,
    settings,
    // A machine must never go on with what a person left behind.
    vaultAt: createMemoryVault,
    openBrowser: options.browser ? openBrowser : () => Promise.resolve(),
    version: options.version,
    log,
    ...(by === undefined ? {} : { signInBy: by }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.relay === undefined ? {} : { relay: options.relay }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  const signals = followSignals();
  try {
    await agent.start();
    announce(agent.snapshot());
    agent.onChange(announce);
    // A machine has nobody to ask when to sign in.
    if (settings.get('signIn.auto') || by?.kind === 'machine') void signInAll(agent);
    await signals.first;
    return 0;
  } finally {
    await agent.close({ ms: SIGNAL_GRACE_MS, hurry: signals.another });
  }
}

/** One after the other: a person has one page to look at. */
async function signInAll(agent: Agent): Promise<void> {
  for (const profile of agent.profiles()) {
    const { relay, status } = profile.snapshot();
    // The fault is told by a status event; tools may start another attempt later.
    if (relay && status === 'signed-out') await profile.signIn().catch(() => undefined);
  }
}

/** The first one ends the agent, another one the time that running requests get. */
function followSignals(): { readonly first: Promise<void>; readonly another: AbortSignal } {
  const another = new AbortController();
  const first = new Promise<void>((resolve) => {
    let isFirst = true;
    const onSignal = (): void => {
      if (isFirst) resolve();
      else another.abort();
      isFirst = false;
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  return { first, another: another.signal };
}
