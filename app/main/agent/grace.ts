/** How long what runs may go on while the agent closes; then it is cut. */
export interface Grace {
  readonly ms: number;
  /** Ends it early. */
  readonly hurry?: AbortSignal;
}

/** For a program that was told to end by a signal: whoever sent it waits. */
export const SIGNAL_GRACE_MS = 10_000;
/** For a person who quits the app, or has changed a setting. */
export const PERSON_GRACE_MS = 2_000;
