import type { DestinationStream } from 'pino';
import { pino } from 'pino';
import { redactSecrets } from '../../../wire/redact.ts';

/** How much the log tells. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Plain facts about an event; never a token, a header or a body. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The agent's log: one JSON object a line. */
export interface Log {
  error(event: string, error?: unknown, fields?: LogFields): void;
  warn(event: string, error?: unknown, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
}

/**
 * Makes a log whose lines name a profile.
 *
 * @param log where they go
 * @param profile its name
 * @returns the log
 */
export function namedLog(log: Log, profile: string): Log {
  const named = (fields?: LogFields): LogFields => ({ ...fields, profile });
  return {
    error: (event, error, fields) => log.error(event, error, named(fields)),
    warn: (event, error, fields) => log.warn(event, error, named(fields)),
    info: (event, fields) => log.info(event, named(fields)),
    debug: (event, fields) => log.debug(event, named(fields)),
    setLevel: log.setLevel,
  };
}

/**
 * Makes the log. Of an error only names, codes and messages of its causes are written, and anything
 * in them that looks like a token or carries a query is cut out, whoever put it there.
 *
 * @param options level, and where lines go (stderr by default)
 * @returns the log
 */
export function createLog(options: {
  readonly level: LogLevel;
  readonly destination?: DestinationStream;
}): Log {
  const logger = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return {
    error: (event, error, fields) => logger.error({ ...scrub(fields), ...describe(error) }, event),
    warn: (event, error, fields) => logger.warn({ ...scrub(fields), ...describe(error) }, event),
    info: (event, fields) => logger.info(scrub(fields), event),
    debug: (event, fields) => logger.debug(scrub(fields), event),
    setLevel(level) {
      logger.level = level;
    },
  };
}

function scrub(fields: LogFields = {}): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'string' ? redact(value) : value,
    ]),
  );
}

function describe(error: unknown): { error?: string } {
  if (error === undefined) return {};
  const parts: string[] = [];
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    const code = 'code' in cause && typeof cause.code === 'string' ? ` [${cause.code}]` : '';
    parts.push(`${cause.name}${code}: ${cause.message}`);
    cause = cause.cause;
  }
  return { error: parts.length > 0 ? redact(parts.join(' < ')) : 'not an Error' };
}

/**
 * Cuts out what may be a secret: all that {@link redactSecrets} does and, since the app's log may leave the
 * machine in a bundle, every long random word.
 *
 * @param text the text
 * @returns the text with `[redacted]` in those places
 */
export function redact(text: string): string {
  return redactSecrets(text).replace(/[\w-]{32,}/g, (word) =>
    /[0-9]/.test(word) && /[A-Za-z]/.test(word) ? '[redacted]' : word,
  );
}
