import { useCallback, useEffect, useState } from 'react';
import type { ActivityNews, LatchkeyBridge } from '../main/ipc/contract.ts';
import type { ActivityRecord } from '../../ui/activity-record.ts';
import { mergeRecords } from '../../ui/activity-rows.ts';
import { valueOf } from './bridge.ts';
import type { PartProps } from './part-props.ts';

const pageSize = 300;
/** Whose records are whose: while there is one profile it has no name. */
type Records = ReadonlyMap<string | undefined, readonly ActivityRecord[]>;
const none: readonly ActivityRecord[] = [];

/**
 * Follows the activity of every profile, and loads what came before of the one that is shown.
 *
 * @param bridge what the preload script gave to the page
 * @param profile the one that is shown
 * @param isStarted whether the agent can be asked
 * @param fail is told why nothing came
 * @returns its records, newest first
 */
export function useActivity(
  bridge: LatchkeyBridge,
  profile: PartProps['profile'],
  isStarted: boolean,
  fail: (error: unknown) => void,
): readonly ActivityRecord[] {
  const [records, setRecords] = useState<Records>(new Map());
  const [name] = profile;
  const add = useCallback(
    ({ records: more, profile: whose }: ActivityNews) =>
      setRecords((known) =>
        new Map(known).set(whose, mergeRecords(known.get(whose) ?? none, more)),
      ),
    [],
  );

  useEffect(() => bridge.on.activity(add), [bridge, add]);

  useEffect(() => {
    if (!isStarted) return;
    const args = name === undefined ? ([] as const) : ([name] as const);
    valueOf(bridge.activity({ limit: pageSize }, ...args))
      .then((page) => add({ records: page.records, ...(name !== undefined && { profile: name }) }))
      .catch(fail);
  }, [bridge, isStarted, name, add, fail]);

  return records.get(name) ?? none;
}
