import { z } from 'zod';
import { checked, duration, httpUrl, text } from './leaves.ts';

const DAY_MS = 86_400_000;
const COUNT = 'must be a whole number from 0 to 1000';

const timezone = checked((value) => {
  try {
    return Intl.DateTimeFormat('en', { timeZone: value }) && undefined;
  } catch {
    return 'must be UTC or the name of a time zone such as Europe/Berlin';
  }
});

/** A rule, or none in its place. */
function rule<T extends z.ZodRawShape>(shape: T) {
  const keys = Object.keys(shape).join(', ');
  return z.union([z.literal('off'), z.strictObject(shape)], `must be off or { ${keys} }`);
}

const allowed = z.int(COUNT).min(0, COUNT).max(1000, COUNT);
const per = duration(1000, DAY_MS);
const after = duration(DAY_MS, 90 * DAY_MS);

const burst = (atMost: number, inTime: string) =>
  rule({ allowed: allowed.default(atMost), per: per.prefault(inTime) }).prefault({});
const learned = () => rule({ after: after.prefault('14d') }).prefault({});
const positive = (least: number, expected: string) =>
  z.number(expected).min(least, expected).max(1_000_000, expected);

/** What the relay finds unusual, and whom it tells. */
export const anomalySchema = z.union(
  [
    z.literal('off'),
    z.strictObject({
      timezone: timezone.default('UTC'),
      quiet: duration(1000, 30 * DAY_MS).prefault('1h'),
      denials: burst(20, '60s'),
      sourceDenials: burst(100, '60s'),
      tokenReplay: burst(2, '10m'),
      newTool: learned(),
      newNetwork: learned(),
      volume: rule({
        factor: positive(1, 'must be a number from 1 to 1000000').default(5),
        minimum: positive(0, 'must be a number from 0 to 1000000').default(300),
        after: after.prefault('14d'),
      }).prefault({}),
      unusualHour: learned(),
      webhook: z
        .strictObject({
          url: httpUrl,
          secretFile: text,
          caFile: text.optional(),
          timeout: duration(100, 300_000).prefault('10s'),
        })
        .optional(),
    }),
  ],
  'must be off or a block of rules',
);
