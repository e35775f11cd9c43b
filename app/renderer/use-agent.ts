import { useCallback, useEffect, useState } from 'react';
import type { LatchkeyBridge, Reply, SnapshotView } from '../main/ipc/contract.ts';
import { problemOf, valueOf } from './bridge.ts';

/** What the page knows, and how it asks for more. */
export interface AgentState {
  readonly snapshot: SnapshotView | undefined;
  /** Why the last call failed, in words for people. */
  readonly problem: string | undefined;
  /** Whether a call that the person started is under way. */
  readonly busy: boolean;
  /** Makes a call and shows what goes wrong; resolves whether it succeeded. */
  run(call: () => Promise<Reply<unknown>>): Promise<boolean>;
  /** Shows what went wrong with a call that the page made of its own accord. */
  fail(error: unknown): void;
  dismiss(): void;
}

/**
 * Follows the agent through the bridge.
 *
 * @param bridge what the preload script gave to the page
 * @returns the state, redrawn on each event
 */
export function useAgent(bridge: LatchkeyBridge): AgentState {
  const [snapshot, setSnapshot] = useState<SnapshotView>();
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);

  const fail = useCallback((error: unknown) => setProblem(problemOf(error)), []);

  useEffect(() => {
    // Subscribed before asking, so that nothing falls between.
    const unsubscribe = bridge.on.snapshot(setSnapshot);
    valueOf(bridge.getSnapshot())
      // An event that came meanwhile is newer than this reply.
      .then((first) => setSnapshot((known) => known ?? first))
      .catch(fail);
    return unsubscribe;
  }, [bridge, fail]);

  const run = useCallback(
    async (call: () => Promise<Reply<unknown>>): Promise<boolean> => {
      setProblem(undefined);
      setBusy(true);
      try {
        await valueOf(call());
        return true;
      } catch (error) {
        fail(error);
        return false;
      } finally {
        setBusy(false);
      }
    },
    [fail],
  );

  const dismiss = useCallback(() => setProblem(undefined), []);
  return { snapshot, problem, busy, run, fail, dismiss };
}
