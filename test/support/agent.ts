import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { signInWithFetch } from './sign-in.ts';

/** One line of the headless agent's stdout. */
export type AgentEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** A headless agent in a process of its own. */
export interface AgentProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  readonly events: readonly AgentEvent[];
  /** Waits for an event that fits, past ones included. */
  next(fits: (event: AgentEvent) => boolean, timeoutMs?: number): Promise<AgentEvent>;
  /** Walks the provider's pages as a person; resolves when the agent is ready. */
  signIn(user: string, password?: string): Promise<void>;
  /** Ends it and resolves to its exit code; the data directory stays. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Ends it and removes its data directory. */
  close(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');

/** Starts `latchkey agent --no-browser` and waits for its port. */
export async function startAgent(
  relayUrl: string,
  options: { readonly dataDir?: string; readonly port?: number } = {},
): Promise<AgentProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'latchkey-agent-')));
  const child = spawn(
    process.execPath,
    [
      'app/cli/main.ts',
      'agent',
      '--relay',
      relayUrl,
      '--data-dir',
      dataDir,
      '--port',
      String(options.port ?? 0),
      '--no-browser',
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const events: AgentEvent[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line) as AgentEvent));
  const exited = once(child, 'exit');

  const next = async (
    fits: (event: AgentEvent) => boolean,
    timeoutMs = 60_000,
  ): Promise<AgentEvent> => {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(20)) {
      const found = events.find(fits);
      if (found !== undefined) return found;
      if (child.exitCode !== null) break;
    }
    throw new Error(`no such event; exit ${child.exitCode}; ${JSON.stringify(events)} ${stderr}`);
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  const listening = await next(({ event }) => event === 'listening');
  return {
    url: String(listening['url']),
    dataDir,
    process: child,
    events,
    next,
    async signIn(user, password = `${user}-demo`) {
      const { url } = await next(({ event }) => event === 'sign-in-url');
      await signInWithFetch(String(url), user, password);
      await next(({ event, status }) => event === 'status' && status === 'ready');
    },
    stop,
    async close() {
      if (child.exitCode === null && child.signalCode === null) await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
