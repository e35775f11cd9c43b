import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What a proxy script gives to a function, or gets from it. */
export type ScriptValue = string | number | boolean | null | undefined;

/** A function that a proxy script may call. */
export type ScriptFunction = (...args: readonly ScriptValue[]) => ScriptValue;

/**
 * Compares a text with a shell expression in time that grows no faster than their product; as a regular
 * expression, `*a*a*a*a*b` could take for ever, where no time limit reaches.
 *
 * @param text such as a host
 * @param pattern `*` stands for any characters, `?` for one
 * @returns true when all of the text fits
 */
export function matchesShell(text: string, pattern: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}

/**
 * The functions that need the network or that the library has with side effects: its own print to standard
 * output, connect to a public server and build regular expressions.
 *
 * @param resolve the IPv4 address of a name, or null; throws while it is not known yet
 * @returns the functions by their names
 */
export function networkFunctions(
  resolve: (name: string) => string | null,
): Readonly<Record<string, ScriptFunction>> {
  const addressOf = (host: ScriptValue): string | null =>
    typeof host !== 'string' ? null : isIPv4(host) ? host : resolve(host);
  return {
    alert: () => undefined,
    shExpMatch: (text, pattern) => matchesShell(String(text), String(pattern)),
    dnsResolve: addressOf,
    isResolvable: (host) => addressOf(host) !== null,
    isInNet(host, pattern, mask) {
      const address = addressOf(host);
      const [from, bits] = [String(pattern), String(mask)];
      if (address === null || !isIPv4(from) || !isIPv4(bits)) return false;
      return (toNumber(address) & toNumber(bits)) === (toNumber(from) & toNumber(bits));
    },
    myIpAddress: ownAddress,
  };
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
