import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { JSON_BODY } from './exchange.ts';
import { usageOf, watchStrangers } from './machine.ts';
import type { Peer } from './peer.ts';

/** What one slice of load measured. */
export interface Slice {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the peer for one request. */
  readonly cpuUs: number;
  /** Share of a core that the peer used. */
  readonly busy: number;
  /** Share of a core that others took meanwhile. */
  readonly strangers: number;
}

/** How a slice is loaded. */
export interface Load {
  /** Written by `writeRequests`. */
  readonly requestsFile: string;
  readonly connections: number;
  readonly seconds: number;
  /** Whether a request may be sent one time only. */
  readonly once?: boolean;
}

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'wrk.lua');
/** The time wrk may take to read its requests and to end. */
const GRACE_MS = 60_000;

interface Printed {
  readonly requests: number;
  readonly durationUs: number;
  readonly bytes: number;
  /** Statuses of 400 and more. */
  readonly wrong: number;
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

function check(peer: Peer, { requests, bytes, wrong, failed }: Printed): void {
  const faults = [
    ...(requests === 0 ? ['no answer'] : []),
    ...(wrong > 0 ? [`${wrong} refusals`] : []),
    ...(failed > 0 ? [`${failed} broken or late exchanges`] : []),
    ...(bytes < requests * JSON_BODY.length ? ['answers cut short'] : []),
  ];
  if (faults.length === 0) return;
  throw new Error(`${peer.name} under load: ${faults.join(', ')} (${requests} requests)`);
}

/**
 * Loads a peer by wrk: one request at a time on each of several kept-alive connections.
 *
 * @param peer the peer
 * @param load what is sent
 * @returns requests a second, latency, and what they cost
 * @throws {Error} when any answer was not the right one
 */
export async function slice(peer: Peer, load: Load): Promise<Slice> {
  const strangers = watchStrangers();
  const before = usageOf(peer).cpuMs;
  const { connections, seconds, requestsFile, once } = load;
  const extent = `-t1 -c${connections} -d${seconds}s --timeout 10s`.split(' ');
  const own = [requestsFile, peer.url.host, once === true ? 'once' : 'again'];
  const { stdout } = await run('wrk', [...extent, '-s', SCRIPT, peer.url.href, '--', ...own], {
    timeout: seconds * 1000 + GRACE_MS,
  });
  const cpuMs = usageOf(peer).cpuMs - before;
  const printed = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1)) as Printed;
  check(peer, printed);
  return {
    requests: printed.requests,
    perSecond: (printed.requests * 1e6) / printed.durationUs,
    p50Us: printed.p50Us,
    p99Us: printed.p99Us,
    cpuUs: (cpuMs * 1000) / printed.requests,
    busy: (cpuMs * 1000) / printed.durationUs,
    strangers: strangers(),
  };
}
