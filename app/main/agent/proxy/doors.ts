import { chmodSync, rmSync } from 'node:fs';
import { stopListening } from '../../../../wire/stop-listening.ts';
import type { Entrance } from './entrance.ts';
import { listenOnLoopback, listenOnSocket, type Handlers, type Listener } from './listen.ts';
import type { ApiPort, ProxyDeps } from './proxy-deps.ts';

/** A door that could not be opened. */
export interface ShutDoor {
  /** Absent for the socket. */
  readonly port?: number;
  /** Whose it is; absent for what all share. */
  readonly profile?: string;
  /** Where the port is set. */
  readonly setting?: string;
  readonly error: unknown;
}

/** What is open. */
export interface Doors {
  /** The shared port. */
  readonly port: number;
  /** Ports of profiles that are open, by name. */
  readonly profilePorts: ReadonlyMap<string, number>;
  /** Ports of APIs that are open. */
  readonly apiPorts: readonly ApiPort[];
  /** Doors beside it that are shut. */
  readonly shut: readonly ShutDoor[];
  /** Takes no new connections; each answer is its connection's last. */
  stop(): Promise<void>;
  /** Closes what is idle; resolves when no connection is left, or after the time given. */
  over(timeoutMs: number): Promise<void>;
  /** Closes all that is left. */
  close(): Promise<void>;
}

/** 0 for a socket. */
function portOf([listener]: readonly Listener[]): number {
  const address = listener?.server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function openSocket(handlers: Handlers, path: string): Promise<Listener> {
  const isFile = process.platform !== 'win32';
  // Only one agent has this data directory, by the lock of its audit: what lies there is a killed one's.
  if (isFile) rmSync(path, { force: true });
  const listener = await listenOnSocket(handlers, path);
  if (isFile) chmodSync(path, 0o600);
  return listener;
}

async function close({ parting, server }: Listener): Promise<void> {
  parting.end();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}

/**
 * Opens the shared port, or nothing; then the own ports of profiles and APIs, and the socket, as far as they can be had.
 *
 * @param deps which
 * @param handlersOf what to call for one door; its entrance is known once it is open
 * @returns what is open
 * @throws the bind's error when the shared port cannot be had
 */
export async function openDoors(
  deps: Pick<ProxyDeps, 'apiPorts' | 'port' | 'profilePorts' | 'socketPath'>,
  handlersOf: (entrance: () => Entrance) => Handlers,
): Promise<Doors> {
  const listeners: Listener[] = [];
  const shut: ShutDoor[] = [];

  async function open(
    listen: (handlers: Handlers) => Promise<readonly Listener[]>,
    entranceOf: (port: number) => Entrance,
  ): Promise<number> {
    let entrance: Entrance | undefined;
    const opened = await listen(handlersOf(() => entrance ?? entranceOf(0)));
    listeners.push(...opened);
    const port = portOf(opened);
    entrance = entranceOf(port);
    return port;
  }
  async function tryTo(
    step: () => Promise<unknown>,
    door: Omit<ShutDoor, 'error'> = {},
  ): Promise<void> {
    await step().catch((error: unknown) => void shut.push({ ...door, error }));
  }

  const port = await open(
    (handlers) => listenOnLoopback(handlers, deps.port),
    (bound) => ({ kind: 'port', port: bound }),
  );
  const profilePorts = new Map<string, number>();
  for (const [profile, own] of deps.profilePorts)
    await tryTo(
      async () => {
        const bound = await open(
          (handlers) => listenOnLoopback(handlers, own),
          (bound) => ({ kind: 'profile-port', port: bound, profile }),
        );
        profilePorts.set(profile, bound);
      },
      { port: own, profile, setting: 'relays[].port' },
    );
  const apiPorts: ApiPort[] = [];
  for (const apiPort of deps.apiPorts) {
    const { api, port: own, profile, setting } = apiPort;
    await tryTo(
      async () => {
        await open(
          (handlers) => listenOnLoopback(handlers, own),
          (bound) => ({ kind: 'api-port', port: bound, profile, api }),
        );
        apiPorts.push(apiPort);
      },
      { port: own, profile, setting },
    );
  }
  const { socketPath } = deps;
  if (socketPath !== undefined)
    await tryTo(() =>
      open(
        async (handlers) => [await openSocket(handlers, socketPath)],
        () => ({ kind: 'socket' }),
      ),
    );

  return {
    port,
    profilePorts,
    apiPorts,
    shut,
    async stop() {
      listeners.forEach(({ parting }) => parting.announce());
      await Promise.all(listeners.map(({ server }) => stopListening(server)));
    },
    async over(timeoutMs) {
      await Promise.all(listeners.map(({ parting }) => parting.over(timeoutMs)));
    },
    async close() {
      await Promise.all(listeners.map(close));
    },
  };
}
