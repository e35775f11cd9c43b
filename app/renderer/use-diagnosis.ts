import { useCallback, useState } from 'react';
import type { DiagnosisView, LatchkeyBridge } from '../main/ipc/contract.ts';
import { problemOf, valueOf } from './bridge.ts';

/** What the checks found, kept while the page is. */
export interface Diagnosis {
  readonly value: DiagnosisView | undefined;
  readonly isRunning: boolean;
  readonly problem: string | undefined;
  run(): Promise<void>;
}

/**
 * Runs the checks when asked to.
 *
 * @param bridge what the preload script gave to the page
 * @returns the last findings
 */
export function useDiagnosis(bridge: LatchkeyBridge): Diagnosis {
  const [value, setValue] = useState<DiagnosisView>();
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = useCallback(async (): Promise<void> => {
    setRunning(true);
    setProblem(undefined);
    try {
      setValue(await valueOf(bridge.diagnose()));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setRunning(false);
    }
  }, [bridge]);
  return { value, isRunning, problem, run };
}
