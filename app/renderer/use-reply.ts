import { useCallback, useEffect, useState } from 'react';
import type { Reply } from '../main/ipc/contract.ts';
import { problemOf, valueOf } from './bridge.ts';

/** What a screen shows of one call. */
export interface Loaded<T> {
  readonly value: T | undefined;
  /** Why there is nothing, or nothing newer. */
  readonly problem: string | undefined;
  /** Takes over what another call answered. */
  put(value: T): void;
  /** Asks again. */
  reload(): Promise<void>;
}

/**
 * Asks once when the screen opens.
 *
 * @param call what to ask; the same function on each drawing
 * @returns the answer, as far as it has come
 */
export function useReply<T>(call: () => Promise<Reply<T>>): Loaded<T> {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<string>();
  const put = useCallback((next: T) => {
    setProblem(undefined);
    setValue(next);
  }, []);
  const reload = useCallback(
    () => valueOf(call()).then(put, (error: unknown) => setProblem(problemOf(error))),
    [call, put],
  );
  useEffect(() => void reload(), [reload]);
  return { value, problem, put, reload };
}
