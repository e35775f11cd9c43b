import { join } from 'node:path';
import { checkPeer } from './check.ts';
import { createOpened, type Opened } from './opened.ts';
import type { Peer, Setting, StartPeer } from './peer.ts';
import { settingOf, USUAL_APIS, USUAL_TOKENS, type Run } from './run.ts';
import { bearerLines, writeRequests } from './tokens.ts';
import { slice, type Load } from './wrk.ts';

/** Connections of the load that warms and of the main figure. */
export const MANY_CONNECTIONS = 64;

/**
 * Writes the usual requests: as many tokens as people are at work, spread over the APIs.
 *
 * @param run the run
 * @param options other numbers of tokens and APIs
 * @returns the file, for {@link Load}
 */
export async function usualRequests(
  run: Run,
  { tokens = USUAL_TOKENS, apis = USUAL_APIS }: { tokens?: number; apis?: number } = {},
): Promise<string> {
  const file = join(await run.opened.folder(), `requests-${tokens}-${apis}.txt`);
  await writeRequests(file, bearerLines(run.authority.tokens.slice(0, tokens), apis));
  return file;
}

/**
 * Loads a peer until it is as fast as it gets.
 *
 * @param run for how long
 * @param peer the peer; one that is not compiled while it runs needs a second only
 * @param load what it is sent
 */
export async function warm(run: Run, peer: Peer, load: Load): Promise<void> {
  await slice(peer, { ...load, seconds: peer.isJit ? run.options.warmSeconds : 1 });
}

/**
 * Starts a peer for as long as it is measured, checks its answers, and stops it.
 *
 * @param run the run
 * @param start how it is started
 * @param changes what differs from the usual setting
 * @param measure what is done with it
 * @returns what `measure` returns
 * @throws {Error} when it does not start or answers wrongly
 */
export async function withPeer<T>(
  run: Run,
  start: StartPeer,
  changes: Partial<Setting>,
  measure: (peer: Peer, opened: Opened) => Promise<T>,
): Promise<T> {
  const opened = createOpened();
  // A run that ends early closes what is open at that moment.
  run.opened.keep(() => opened.close());
  try {
    const setting = settingOf(run, changes);
    const peer = await start(opened, setting);
    await checkPeer(peer, setting.authority);
    return await measure(peer, opened);
  } finally {
    await opened.close();
  }
}
