import { useCallback, useEffect, useState } from 'react';
import type { ActivityRecord, LatchkeyBridge, Reply, SnapshotView } from '../main/ipc/contract.ts';
import { mergeRecords } from './activity-rows.ts';
import { valueOf } from './bridge.ts';

const pageSize = 300;

/** What the page knows, and how it asks for more. */
export interface AgentState {
  readonly snapshot: SnapshotView | undefined;
  /** Newest first. */
  readonly records: readonly ActivityRecord[];
  /** Why the last call failed, in words for people. */
  readonly problem: string | undefined;
  /** Whether a call that the person started is under way. */
  readonly busy: boolean;
  /** Makes a call and shows what goes wrong; resolves whether it succeeded. */
  run(call: () => Promise<Reply<unknown>>): Promise<boolean>;
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
  const [records, setRecords] = useState<readonly ActivityRecord[]>([]);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);

  const fail = useCallback((error: unknown) => setProblem(messageOf(error)), []);
  const add = useCallback(
    (more: readonly ActivityRecord[]) => setRecords((known) => mergeRecords(known, more)),
    [],
  );

  useEffect(() => {
    // Subscribed before asking, so that nothing falls between.
    const unsubscribe = [bridge.on.snapshot(setSnapshot), bridge.on.activity(add)];
    valueOf(bridge.getSnapshot())
      // An event that came meanwhile is newer than this reply.
      .then((first) => setSnapshot((known) => known ?? first))
      .catch(fail);
    return () => unsubscribe.forEach((stop) => stop());
  }, [bridge, add, fail]);

  const started = snapshot?.localUrl !== undefined;
  useEffect(() => {
    if (!started) return;
    valueOf(bridge.activity({ limit: pageSize }))
      .then((page) => add(page.records))
      .catch(fail);
  }, [bridge, started, add, fail]);

  const run = useCallback(async (call: () => Promise<Reply<unknown>>): Promise<boolean> => {
    setProblem(undefined);
    setBusy(true);
    try {
      await valueOf(call());
      return true;
    } catch (error) {
      setProblem(messageOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);

  const dismiss = useCallback(() => setProblem(undefined), []);
  return { snapshot, records, problem, busy, run, dismiss };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'Something went wrong.';
