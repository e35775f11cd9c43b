import { createAllowances, type Allowance } from './allowances.ts';
import { within, type RedisSession } from './redis-connection.ts';

/** GCRA in one step, by the clock of Redis, which all relays share; returns the wait in microseconds. */
const TAKE = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local per = tonumber(ARGV[2]) * 1000
local full = tonumber(redis.call('GET', KEYS[1]) or now)
local next = math.max(now, full) + per / tonumber(ARGV[1])
local wait = next - per - now
if wait > 0.5 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1)
return 0`;

/**
 * Counts allowances together with other relays. While Redis cannot be asked, this relay counts for
 * itself: a bound that is a little too wide is better than none, or than refusing everybody.
 *
 * @param session the connection, if there is one
 * @param prefix of all keys
 * @param timeoutMs how long to wait for an answer
 * @param now the clock, epoch ms
 * @returns takes one of an allowance
 */
export function createRedisAllowances(
  session: () => RedisSession | undefined,
  prefix: string,
  timeoutMs: number,
  now: () => number,
): (key: string, allowance: Allowance) => Promise<number> {
  const own = createAllowances(now);
  return async (key, allowance) => {
    const commands = session()?.commands;
    if (commands === undefined) return own.take(key, allowance);
    try {
      const { requests, perMs } = allowance;
      const asked = commands.eval(TAKE, {
        keys: [`${prefix}rate:${key}`],
        arguments: [String(requests), String(perMs)],
      });
      return Number(await within(asked, timeoutMs)) / 1000;
    } catch {
      return own.take(key, allowance);
    }
  };
}
