import { isWithin } from '../is-within.ts';
import { NetworkError } from './network-error.ts';
import type { ScriptRunner } from './pac-script.ts';

const FRESH_MS = 3_600_000;
/** How long a script that could not be fetched again is used all the same. */
const RETRY_MS = 60_000;

/** The proxy script of the settings. */
export interface Pac {
  /** @throws {NetworkError} when there is no script or it fails */
  find(url: URL): Promise<string>;
  /** The proxies that it named failed: fetch it again at the next use. */
  outdated(): void;
}

/**
 * Keeps a proxy script, fetched at first use and again after an hour or when its proxies fail.
 *
 * @param deps where it lies, how it is read and run, and the clock in epoch ms
 * @returns the script
 */
export function createPac(deps: {
  readonly address: URL;
  readonly read: (address: URL) => Promise<string>;
  readonly runner: ScriptRunner;
  readonly now: () => number;
}): Pac {
  const { address, now } = deps;
  let script: string | undefined;
  let readAtMs = 0;
  let triedAtMs = 0;
  let freshMs = 0;
  let reading: Promise<string> | undefined;

  async function read(): Promise<string> {
    try {
      script = await deps.read(address);
      readAtMs = now();
      triedAtMs = readAtMs;
      freshMs = FRESH_MS;
    } catch (error) {
      // Never `direct` in its place: the way around the proxy is not ours to choose.
      if (script === undefined) {
        throw new NetworkError(
          `the proxy script ${address.href} cannot be read (${reasonOf(error)}); check the address in network.proxy and the network`,
          { cause: error },
        );
      }
      triedAtMs = now();
      freshMs = RETRY_MS;
    } finally {
      reading = undefined;
    }
    return script;
  }

  return {
    async find(url) {
      const kept = isWithin(now(), triedAtMs, freshMs) ? script : undefined;
      const text = kept ?? (await (reading ??= read()));
      return deps.runner.run(text, url);
    },
    outdated() {
      freshMs = Math.min(freshMs, readAtMs + RETRY_MS - triedAtMs);
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof NetworkError || code === undefined ? error.message : code;
}
