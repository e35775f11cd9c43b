import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { ResolveName } from './resolve.ts';

/**
 * The operating system answers on one of four threads, on which files and keys wait as well: names
 * whose servers are away must not take all of them.
 */
const MOST_AT_ONCE = 2;

/**
 * Makes a way to ask the operating system, hosts file and search domains included. Who asks for a name
 * that is being asked for shares the answer.
 *
 * @param ask asks for one name; for tests
 * @returns resolves with all addresses of both families, rejects as node does
 */
export function createNames(
  ask: ResolveName = (hostname) => lookup(hostname, { all: true }),
): ResolveName {
  const pending = new Map<string, Promise<readonly LookupAddress[]>>();
  const waiting: (() => void)[] = [];
  let free = MOST_AT_ONCE;

  async function askInTurn(hostname: string): Promise<readonly LookupAddress[]> {
    if (free > 0) free -= 1;
    else await new Promise<void>((proceed) => waiting.push(proceed));
    try {
      return await ask(hostname);
    } finally {
      pending.delete(hostname);
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }

  return (hostname) => {
    let answer = pending.get(hostname);
    if (answer === undefined) {
      answer = askInTurn(hostname);
      pending.set(hostname, answer);
    }
    return answer;
  };
}
