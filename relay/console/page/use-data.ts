import { useCallback, useEffect, useState } from 'react';

/** What an address answered, and how it is doing now. */
export interface Data<T> {
  readonly value?: T;
  /** What went wrong last, for people. */
  readonly problem?: string;
  /** Whether nothing has come yet. */
  readonly isLoading: boolean;
  reload(): void;
}

/** The session is over: the page can show nothing any more. */
export class SignedOut extends Error {}

interface State<T> {
  readonly path: string;
  readonly value?: T;
  readonly problem?: string;
}

/**
 * Asks the relay.
 *
 * @param path on this origin
 * @param init as for fetch
 * @returns the answer's JSON
 * @throws {SignedOut} the session is over
 * @throws {Error} with the relay's own words
 */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Error('The relay cannot be reached.', { cause: error });
  }
  if (response.status === 401) throw new SignedOut('The session has ended.');
  const type = response.headers.get('content-type') ?? '';
  const isJson = /^application\/(?:problem\+)?json\b/.test(type);
  const body = isJson ? ((await response.json()) as T & { readonly detail?: string }) : undefined;
  if (body === undefined || !response.ok)
    throw new Error(body?.detail ?? `The relay answered ${response.status}.`);
  return body;
}

/**
 * Signs in again, and comes back here.
 */
export function signInAgain(): void {
  const to = `${location.pathname}${location.search}`;
  location.assign(`/console/sign-in?to=${encodeURIComponent(to)}`);
}

/**
 * Keeps what an address answers.
 *
 * @param path on this origin
 * @param everyMs asks again after so long, while the page is seen; absent: only when told
 * @returns the data; a problem leaves the last value in place
 */
export function useData<T>(path: string, everyMs?: number): Data<T> {
  const [state, setState] = useState<State<T>>({ path });

  const load = useCallback(
    (signal?: AbortSignal) => {
      ask<T>(path, signal && { signal }).then(
        (value) => setState({ path, value }),
        (error: unknown) => {
          if (signal?.aborted === true) return;
          if (error instanceof SignedOut) signInAgain();
          const problem = (error as Error).message;
          setState((before) => (before.path === path ? { ...before, problem } : { path, problem }));
        },
      );
    },
    [path],
  );

  useEffect(() => {
    const gone = new AbortController();
    load(gone.signal);
    const again = (): void => {
      if (!document.hidden) load(gone.signal);
    };
    const timer = everyMs === undefined ? undefined : setInterval(again, everyMs);
    return () => {
      gone.abort();
      clearInterval(timer);
    };
  }, [load, everyMs]);

  const reload = useCallback(() => load(), [load]);
  const { value, problem } = state.path === path ? state : {};
  return {
    reload,
    isLoading: value === undefined && problem === undefined,
    ...(value === undefined ? {} : { value }),
    ...(problem === undefined ? {} : { problem }),
  };
}
