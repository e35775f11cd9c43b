/** What was opened, to be closed the other way round. */
export interface Closers {
  add(close: () => void | Promise<void>): void;
  /** Closes all, the newest first; the second time there is nothing left. */
  close(): Promise<void>;
}

/**
 * Makes an empty list of what is to be closed, when something fails half-way or at the end.
 *
 * @returns the list
 */
export function createClosers(): Closers {
  const open: (() => void | Promise<void>)[] = [];
  return {
    add: (close) => void open.push(close),
    async close() {
      for (let next = open.pop(); next !== undefined; next = open.pop()) await next();
    },
  };
}
