/** One thing wrong with the configuration file. */
export interface ConfigFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The key, dots between members: `apis.billing.rules.0.allow`; `(file)` for the file as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed; never a value of the file, which may be a secret. */
  readonly message: string;
}

/**
 * Writes a fault as one line.
 *
 * @param fault what is wrong
 * @returns `file:line:column path: message`
 */
export function formatFault(fault: ConfigFault): string {
  return `${fault.file}:${fault.line}:${fault.column} ${fault.path}: ${fault.message}`;
}

/** The configuration cannot be used; carries every fault found, in the file's order. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  /** @param faults at least one */
  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(formatFault).join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}
