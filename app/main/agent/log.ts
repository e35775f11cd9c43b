import type { DestinationStream } from 'pino';
import { pino } from 'pino';

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
 * Cuts out what may be a secret: JWTs, long random words, the queries of URLs.
 *
 * @param text the text
 * @returns the text with `[redacted]` in those places
 */
export function redact(text: string): string {
  return text
    .replace(/eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*/g, '[redacted]')
    .replace(/(https?:\/\/[^\s?#"']+)\?[^\s"']*/g, '$1?[redacted]')
    .replace(/\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}\b/g, '[redacted]');
}
