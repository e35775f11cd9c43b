import { createIssuerKeys } from '../auth/jwks.ts';
import type { Closers } from '../closers.ts';
import type { RelayConfig } from '../config/config.ts';
import { RelayError } from '../errors.ts';
import type { Stage } from '../reload.ts';
import type { Common, Serving } from '../serving.ts';
import type { Revocation, SharedState } from '../state/shared-state.ts';
import { createCrew, type Crew } from './crew.ts';
import { createDoor } from './door.ts';
import { seal } from './envelope.ts';
import { inTime } from './in-time.ts';
import { createKeyDesk } from './key-desk.ts';
import { createUsedIds } from './ledger-desk.ts';
import { createMember, type Member } from './member.ts';
import { countersOf, sumMetrics } from './metrics-sum.ts';
import { createOverview } from './overview.ts';
import { PROTOCOL } from './procedures.ts';
import { createRota, type RotaLimits } from './rota.ts';
import { shareOf } from './share.ts';
import type { Beginning, Edition } from './worker.ts';

const PREPARE_MS = 15_000;
const ADOPT_MS = 5_000;
const REVOKE_MS = 5_000;
/** Beyond the time that workers are given to drain. */
const LEAVE_MARGIN_MS = 15_000;

/** A configuration in effect, and since when. */
interface Current extends Edition {
  readonly loadedAtMs: number;
}

/** Behind a proxy, whose a connection is can only be read from it, which workers do. */
function limitsOf({ limits, proxyProtocol }: RelayConfig): RotaLimits {
  const { connections, connectionsPerIp } = limits;
  return { connections, perAddress: proxyProtocol ? undefined : connectionsPerIp };
}

/** In force in every process when it resolves: one that does not say so must not go on serving. */
function everywhere(state: SharedState, members: () => readonly Member[]): SharedState {
  async function tell({ calls, kill }: Member, revocation: Revocation): Promise<void> {
    try {
      await inTime(calls.call('revoked', revocation), REVOKE_MS, 'a revocation');
    } catch (error) {
      if (error instanceof RelayError) throw error;
      kill();
    }
  }
  return {
    ...state,
    async revoke(revocation) {
      const told = members().map((member) => tell(member, revocation));
      await Promise.all([state.revoke(revocation), ...told]);
    },
  };
}

async function prepareIn(member: Member, edition: Edition): Promise<void> {
  member.prepared = edition;
  const { keyPair } = edition;
  const config = shareOf(edition.config, edition.config.workers);
  const asked = member.calls.call('prepare', seal({ config, keyPair }));
  await inTime(asked, PREPARE_MS, `worker ${member.place}: preparing the configuration`);
}

/** For one that was not there when the others prepared, too. */
async function bring(member: Member, edition: Edition): Promise<void> {
  if (member.prepared !== edition) await prepareIn(member, edition);
  await inTime(member.calls.call('adopt'), ADOPT_MS, 'adopting');
  member.prepared = undefined;
  member.edition = edition;
}

/** Two phases over all workers: none takes a configuration over that another could not prepare. */
function createStage(
  crew: Pick<Crew, 'serving'>,
  current: () => Edition,
  adopted: (edition: Edition) => void,
): Stage {
  let next: Edition | undefined;
  return {
    current: () => current().config,
    async prepare(config, keyPair) {
      const edition = { config, keyPair };
      next = edition;
      const prepared = crew.serving().map((member) =>
        prepareIn(member, edition).catch((error: unknown) => {
          // One that died meanwhile is replaced by one that begins with what is in effect then.
          if (!member.calls.isGone()) throw error;
        }),
      );
      await Promise.all(prepared);
    },
    async adopt() {
      if (next === undefined) return;
      const edition = next;
      next = undefined;
      adopted(edition);
      // It is in effect: one that cannot follow must go.
      const brought = crew
        .serving()
        .map((member) => bring(member, edition).catch(() => member.kill()));
      await Promise.all(brought);
    },
    discard() {
      next = undefined;
      for (const member of crew.serving()) {
        member.prepared = undefined;
        member.calls.tell('discard');
      }
    },
  };
}

/**
 * Serves in several processes. This one, the primary, keeps what there must be one of: the audit,
 * revocations and used proofs, issuers' keys, listeners, the configuration.
 *
 * @param common the audit, the state, the first configuration
 * @param closers hears of everything that is to be closed
 * @returns what serves
 * @throws the bind's error when a port is taken; the error of a worker that cannot start
 */
export async function openPrimary(common: Common, closers: Closers): Promise<Serving> {
  const { log, now, version, ledger } = common;
  const size = common.config.workers;
  let current: Current = { ...common, loadedAtMs: now() };
  let former = '';

  const keys = createKeyDesk((source, onLoad) =>
    createIssuerKeys(source, { now, fetch, log, onLoad }),
  );
  closers.add(() => keys.close());
  const isShared = common.config.state.kind === 'memory';
  const state = isShared ? everywhere(common.state, () => crew.all()) : common.state;
  const rota = createRota<Member>(() => limitsOf(current.config));
  const memberDeps = { ...common, state, keys, rota, ids: createUsedIds() };
  const crew = createCrew({
    size,
    rota,
    log,
    hire: (place) => createMember(place, memberDeps),
    leaveMs: () => current.config.drain.timeoutMs + LEAVE_MARGIN_MS,
    begin,
    gone({ counted }) {
      former = sumMetrics([former, countersOf(counted)].map((text) => ({ worker: '', text })));
    },
  });

  async function begin(member: Member): Promise<void> {
    let edition: Edition = current;
    const { keyPair } = edition;
    const config = shareOf(edition.config, size);
    const revocations = isShared ? state.revocations() : [];
    const beginning: Beginning = { config, keyPair, url, version, revocations, protocol: PROTOCOL };
    await member.calls.call('start', seal(beginning));
    // Others may have gone on to the next configuration meanwhile.
    while (edition !== current) {
      edition = current;
      await bring(member, edition);
    }
    member.edition = edition;
  }

  function adopted({ config, keyPair }: Edition): void {
    current = { config, keyPair, loadedAtMs: now() };
    keys.retain(config.issuers);
  }

  const door = createDoor(rota.take, {
    pauseOnConnect: true,
    reusePort: common.config.reusePort,
  });
  const scheme = current.keyPair === undefined ? 'http' : 'https';
  closers.add(() => door.close());
  const url = await door.open(current.config.listen, scheme);
  keys.retain(current.config.issuers);
  closers.add(() => crew.leave());
  await crew.start();

  const stage = createStage(crew, () => current, adopted);
  return {
    url,
    stage,
    management: (reloader, draining) =>
      createOverview(
        { crew, rota, ledger, state, now, size, edition: () => current, former: () => former },
        reloader,
        draining,
      ),
    announce() {
      for (const member of crew.all()) member.announce();
    },
    async drain() {
      await door.close();
      await crew.leave();
    },
    replace: crew.replace,
  };
}
