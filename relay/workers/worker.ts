import type { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { createClosers } from '../closers.ts';
import type { RelayConfig } from '../config/config.ts';
import { type Front, openFront } from '../front.ts';
import { managementDeps } from '../management-deps.ts';
import { createState } from '../state/create-state.ts';
import { concerns } from '../state/entry.ts';
import type { Revocation } from '../state/shared-state.ts';
import type { KeyPair } from '../tls.ts';
import { type Calls, createCalls } from './calls.ts';
import { type Connections, receiveConnections } from './connections.ts';
import { unseal } from './envelope.ts';
import { PROTOCOL, type PrimaryProcedures, type WorkerProcedures } from './procedures.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { createRemoteLedger } from './remote-ledger.ts';
import { createRemoteState, type RemoteState } from './remote-state.ts';

/** What a configuration takes effect with; travels sealed. */
export interface Edition {
  readonly config: RelayConfig;
  readonly keyPair: KeyPair | undefined;
}

/** What a worker starts with; travels sealed. */
export interface Beginning extends Edition {
  readonly protocol: number;
  readonly url: string;
  readonly version: string;
  readonly revocations: readonly Revocation[];
}

/** The ends of what leads to the primary. */
export interface WorkerDeps {
  /** Carries the calls. */
  readonly stream: Duplex;
  /** Emits `message` for each connection that is handed over, and for the word to go. */
  readonly parent: Pick<EventEmitter, 'on'>;
  /** Ends the process: without the primary there is no audit, so there is no access. */
  readonly exit: (code: number) => void;
}

/** The primary does not read any more: better no worker than one whose records pile up. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

type Primary = Calls<PrimaryProcedures>;

/**
 * Serves in a process of its own what the primary hands over, until it says to go, or is gone.
 *
 * @param deps what leads to the primary
 */
export function runWorker({ stream, parent, exit }: WorkerDeps): void {
  const now = Date.now;
  const closers = createClosers();
  const log = (event: Record<string, unknown>): void => primary.tell('log', event);
  const keys = createRemoteKeys(
    { call: (...args) => primary.call(...args), tell: (...args) => primary.tell(...args) },
    now,
  );
  let remote: RemoteState | undefined;
  let front: Front | undefined;
  let connections: Connections | undefined;
  let view: ReturnType<typeof managementDeps> | undefined;
  let leaving = false;

  async function start(beginning: Beginning): Promise<void> {
    const { config, keyPair, version, url, revocations, protocol } = beginning;
    if (protocol !== PROTOCOL)
      throw new Error(
        'the code on the disk is of another version than the primary: restart the relay',
      );
    // Within this turn: the next message may be a revocation.
    if (config.state.kind === 'memory') remote = createRemoteState(primary, revocations, now);
    const ledger = createRemoteLedger(primary, { now });
    closers.add(ledger.close);
    // Redis is asked directly, as by any other relay.
    const state = remote ?? (await createState(config.state, { dir: config.audit.dir, now, log }));
    closers.add(() => state.close());
    front = await openFront(
      {
        config,
        keyPair,
        ledger,
        state,
        log,
        now,
        version,
        refusals: { record: (fields, outcome) => primary.tell('refused', fields, outcome) },
        createKeys: keys.of,
        listen(server, inject) {
          connections = receiveConnections(parent, server, inject, primary);
          return Promise.resolve(url);
        },
      },
      closers,
    );
    const nothing = { lastFailure: () => undefined, reload: () => Promise.reject(new Error()) };
    view = managementDeps(front.shared, front.generations, nothing);
  }

  async function leave(isReplaced: boolean): Promise<void> {
    if (leaving) return;
    leaving = true;
    if (isReplaced) await connections?.part();
    await front?.drain();
    await closers.close();
    primary.tell('parting', (await view?.metrics())?.text ?? '');
    // The last outcomes are written when what closed has said so.
    await nextTurn();
    primary.close();
  }

  const running = (): Front => {
    if (front === undefined) throw new Error('the worker has not started yet');
    return front;
  };
  const procedures: WorkerProcedures = {
    start: (sealed) => start(unseal(sealed) as Beginning),
    prepare(sealed) {
      const { config, keyPair } = unseal(sealed) as Edition;
      return running().stage.prepare(config, keyPair);
    },
    adopt: async () => {
      await running().stage.adopt();
    },
    discard: () => running().stage.discard(),
    revoked: (revocation) => remote?.learn(revocation),
    keys: keys.learn,
    checks: async () => (await view?.checks()) ?? [],
    upstreams: async () => (await view?.upstreams()) ?? [],
    metrics: async () => (await view?.metrics())?.text ?? '',
    streamsOf: (revocation) =>
      front?.shared.exchanges.count((principal) => concerns(revocation, principal)) ?? 0,
  };
  const primary: Primary = createCalls<PrimaryProcedures, WorkerProcedures>(stream, procedures, {
    flush: 'turn',
    closed: () => exit(leaving ? 0 : 1),
  });
  setInterval(() => {
    if (primary.backlogBytes() > MAX_BACKLOG_BYTES) exit(1);
  }, 1_000).unref();
  parent.on('message', (message: unknown) => {
    if (message === 'announce') front?.announce();
    if (message === 'leave' || message === 'replaced') void leave(message === 'replaced');
  });
}
