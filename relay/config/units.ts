const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
};

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^([0-9]{1,15})([A-Za-z]{1,2})$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  const value = Number(digits) * (units[unit] as number);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * Reads a duration.
 *
 * @param text `500ms`, `30s`, `15m`, `24h` or `400d`
 * @returns milliseconds; undefined when it is not a duration
 */
export function parseDuration(text: string): number | undefined {
  return quantity(text, MS_PER_UNIT);
}

/**
 * Reads a size; KB, MB and GB are powers of 1024.
 *
 * @param text `512B`, `64KB`, `10MB` or `1GB`
 * @returns bytes; undefined when it is not a size
 */
export function parseSize(text: string): number | undefined {
  return quantity(text, BYTES_PER_UNIT);
}

/** The largest unit that divides it. */
function written(value: number, units: Readonly<Record<string, number>>, names: readonly string[]) {
  const [least = ''] = names.slice(-1);
  const unit = names.find((name) => value > 0 && value % (units[name] as number) === 0) ?? least;
  return `${value / (units[unit] as number)}${unit}`;
}

/**
 * Writes a size in the largest unit that divides it.
 *
 * @param bytes how many
 * @returns `10MB`
 */
export function formatSize(bytes: number): string {
  return written(bytes, BYTES_PER_UNIT, ['GB', 'MB', 'KB', 'B']);
}

/**
 * Writes a duration in the largest unit that divides it.
 *
 * @param durationMs milliseconds
 * @returns `15m`
 */
export function formatDuration(durationMs: number): string {
  return written(durationMs, MS_PER_UNIT, ['d', 'h', 'm', 's', 'ms']);
}
