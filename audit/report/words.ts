import type { PersonName } from './shape.ts';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/**
 * Writes a number with thousands set apart.
 *
 * @param value any number
 * @returns such as `12,345`
 */
export const amount = (value: number): string => grouped.format(value);

/**
 * Writes a number of bytes in the largest unit that leaves one before the point.
 *
 * @param value bytes
 * @returns such as `1.5 MB`; units are powers of 1024
 */
export function bytes(value: number): string {
  let left = value;
  let unit = 0;
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${grouped.format(left)} ${UNITS[unit]}`;
}

/**
 * Writes a share.
 *
 * @param share 0 to 1
 * @returns such as `2.5 %`
 */
export const percent = (share: number): string => `${grouped.format(share * 100)} %`;

/**
 * Writes milliseconds as people say them.
 *
 * @param ms not negative
 * @returns such as `12 ms` or `1.5 s`
 */
export const duration = (ms: number): string =>
  ms < 1000 ? `${ms} ms` : `${grouped.format(ms / 1000)} s`;

/**
 * Makes what writes times in a time zone.
 *
 * @param timezone an IANA name
 * @returns from RFC 3339 to such as `2026-11-23 09:30`
 */
export function timesIn(timezone: string): (at: string) => string {
  // The Swedish way of writing dates is that of ISO 8601.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return (at) => format.format(Date.parse(at));
}

/**
 * Names a person for people.
 *
 * @param person as in a report
 * @returns the name, else the identifier
 */
export const whoOf = ({ user, userName }: PersonName): string => userName ?? user;
