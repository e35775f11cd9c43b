import { useCallback, useState } from 'react';
import type { DiagnosisView, LatchkeyBridge } from '../main/ipc/contract.ts';
import { problemOf, valueOf } from './bridge.ts';
import type { PartProps } from './part-props.ts';

interface Checked {
  readonly value: DiagnosisView | undefined;
  readonly isRunning: boolean;
  readonly problem: string | undefined;
}

/** What the checks of one profile found, kept while the page is. */
export interface Diagnosis extends Checked {
  run(): Promise<void>;
}

const unchecked: Checked = { value: undefined, isRunning: false, problem: undefined };

/**
 * Runs the checks when asked to.
 *
 * @param bridge what the preload script gave to the page
 * @param profile the one that is shown
 * @returns its last findings
 */
export function useDiagnosis(bridge: LatchkeyBridge, profile: PartProps['profile']): Diagnosis {
  const [all, setAll] = useState<ReadonlyMap<string | undefined, Checked>>(new Map());
  const [name] = profile;
  const run = useCallback(async (): Promise<void> => {
    const put = (change: Partial<Checked>): void =>
      setAll((known) => new Map(known).set(name, { ...(known.get(name) ?? unchecked), ...change }));
    const args = name === undefined ? ([] as const) : ([name] as const);
    put({ isRunning: true, problem: undefined });
    try {
      put({ value: await valueOf(bridge.diagnose(...args)) });
    } catch (error) {
      put({ problem: problemOf(error) });
    } finally {
      put({ isRunning: false });
    }
  }, [bridge, name]);
  return { ...(all.get(name) ?? unchecked), run };
}
