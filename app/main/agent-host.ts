import type { AuditRecord } from '../../audit/record.ts';
import type { Agent } from './agent/agent-interface.ts';
import type { AgentSnapshot } from './agent/status.ts';
import { PERSON_GRACE_MS, type Grace } from './agent/grace.ts';
import { inOrder } from './agent/in-order.ts';

/** What the host needs of the outside. */
export interface AgentHostDeps {
  /** Makes an agent from the settings as they are now. */
  make(): Agent;
  onSnapshot(snapshot: AgentSnapshot): void;
  /** @param profile is set while several are set up */
  onActivity(records: readonly AuditRecord[], profile?: string): void;
  /** Gets what no person is told. */
  onError(error: unknown): void;
}

/** Keeps one agent running, and makes another when the settings have changed. */
export interface AgentHost {
  /** The agent as it is now; its snapshot tells why it could not start. */
  agent(): Agent;
  /** Starts it; a fault is shown in the snapshot, not thrown. */
  start(): Promise<AgentSnapshot>;
  /**
   * Ends the agent and begins again with the settings of that moment.
   *
   * @param change runs first, when no other start or stop is under way; when it throws, nothing else happens
   */
  restart(change?: () => void): Promise<AgentSnapshot>;
  /** @param grace how long requests may go on; without it they are cut at once */
  close(grace?: Grace): Promise<void>;
}

/**
 * Makes the host.
 *
 * @param given how to make an agent, and who listens
 * @returns the host; nothing runs before `start`
 */
export function createAgentHost(given: AgentHostDeps): AgentHost {
  const deps: AgentHostDeps = { ...given, onSnapshot: inOrder(given.onSnapshot) };
  let current = follow(deps.make(), deps);
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** One start or stop at a time: two agents would fight for the port. */
  const inTurn = async <T>(step: () => Promise<T>): Promise<T> => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };
  const begin = async (): Promise<AgentSnapshot> => {
    await current.agent.start().catch(deps.onError);
    const snapshot = current.agent.snapshot();
    deps.onSnapshot(snapshot);
    return snapshot;
  };

  return {
    agent: () => current.agent,
    start: () => inTurn(begin),
    restart: (change) =>
      inTurn(async () => {
        if (closed) return current.agent.snapshot();
        change?.();
        const next = deps.make();
        await current.end({ ms: PERSON_GRACE_MS });
        current = follow(next, deps);
        return begin();
      }),
    close: (grace) =>
      inTurn(async () => {
        closed = true;
        await current.end(grace);
      }),
  };
}

function follow(
  agent: Agent,
  deps: AgentHostDeps,
): { agent: Agent; end(grace?: Grace): Promise<void> } {
  const unsubscribe = [agent.onChange(deps.onSnapshot), agent.onActivity(deps.onActivity)];
  return {
    agent,
    async end(grace) {
      unsubscribe.forEach((stop) => stop());
      await agent.close(grace).catch(deps.onError);
    },
  };
}
