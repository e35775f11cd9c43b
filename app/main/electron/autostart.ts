/** Whether the system starts Latchkey when the person logs in. */
export type AutostartState =
  | { readonly kind: 'off' }
  /** Starts this Latchkey, without a window. */
  | { readonly kind: 'on' }
  /** Starts a Latchkey that lies elsewhere by now. */
  | { readonly kind: 'moved' }
  /** The person has switched it off by the means of the system. */
  | { readonly kind: 'disabled'; readonly where: string }
  /** Something that is not this Latchkey's: a person's own entry, or one for another data folder. */
  | { readonly kind: 'foreign'; readonly where: string };

/** What starts programs at login, on any system. */
export interface Autostart {
  /** @throws {AgentError} `bad_settings` when the system does not tell */
  read(): AutostartState;
  /**
   * Has this Latchkey started at login; what stands in the way is replaced.
   *
   * @throws {AgentError} `bad_settings`, saying why that cannot be
   */
  enable(): void;
  /**
   * Undoes {@link Autostart.enable}; what is not this Latchkey's stays.
   *
   * @throws {AgentError} `bad_settings`, saying why that cannot be
   */
  disable(): void;
}
