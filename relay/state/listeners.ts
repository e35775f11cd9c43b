/** Who wants to know of revocations. */
export interface Listeners {
  /** Returns the unsubscribing function. */
  readonly add: (listener: () => void) => () => void;
  readonly call: () => void;
}

/**
 * Makes an empty set of listeners.
 *
 * @returns the set
 */
export function createListeners(): Listeners {
  const listeners = new Set<() => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    call() {
      for (const listener of listeners) listener();
    },
  };
}
