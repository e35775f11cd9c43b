import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../demo/child.ts';
import { connectInspector } from './inspector.ts';
import type { Peer } from './peer.ts';
import { latchkey, latchkeyUnaudited } from './programs/latchkey.ts';
import type { AllocationNode, CallFrame, CpuProfile } from './protocol.ts';
import type { Result, Row } from './result.ts';
import type { Run } from './run.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from './session.ts';
import { slice } from './wrk.ts';

const OUT = join(import.meta.dirname, 'out');
const SAMPLE_US = 200;
/** Small enough for a figure a request, large enough not to slow the relay much. */
const SAMPLE_BYTES = 16_384;
const SHOWN = 25;

function place({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
  return `${name} ${file}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, frame: CallFrame, value: number): void {
  const key = place(frame);
  sums.set(key, (sums.get(key) ?? 0) + value);
}

/** Self time of each function, in µs. */
function selfTimes({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Map<string, number> {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame !== undefined) add(sums, frame, timeDeltas[index] ?? 0);
  }
  return sums;
}

/**
 * Adds up what each function allocated.
 *
 * @param head the root of a sampled heap profile
 * @returns bytes by function and line
 */
function selfBytes(head: AllocationNode): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const visit = (node: AllocationNode): void => {
    if (node.selfSize > 0) add(sums, node.callFrame, node.selfSize);
    node.children.forEach(visit);
  };
  visit(head);
  return sums;
}

function topRows(sums: ReadonlyMap<string, number>, requests: number, digits: number): Row[] {
  const all = [...sums].filter(([name]) => name !== '(idle)');
  const total = all.reduce((sum, [, value]) => sum + value, 0);
  const cells = (value: number): Row['cells'] => [
    (value / requests).toFixed(digits),
    `${((value / total) * 100).toFixed(1)} %`,
  ];
  return [
    { name: 'all', cells: cells(total) },
    ...all
      .sort(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(([name, value]) => ({ name, cells: cells(value) })),
  ];
}

async function profilePeer(run: Run, peer: Peer): Promise<readonly Result[]> {
  const requestsFile = await usualRequests(run);
  const seconds = run.options.sliceSeconds * 2;
  const load = { requestsFile, connections: MANY_CONNECTIONS, seconds };
  await warm(run, peer, load);
  const inspector = await connectInspector(peer.inspectorUrl ?? '');
  const stem = join(OUT, peer.name.replaceAll(/[^a-z]+/g, '-'));
  const where = (ending: string): string => `Whole: ${relative(root, stem)}.${ending}`;
  try {
    await mkdir(OUT, { recursive: true });
    await inspector.ask('Profiler.enable');
    await inspector.ask('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await inspector.ask('Profiler.start');
    const timed = await slice(peer, load);
    const { profile } = await inspector.ask('Profiler.stop');
    await writeFile(`${stem}.cpuprofile`, JSON.stringify(profile));
    await inspector.ask('HeapProfiler.enable');
    await inspector.ask('HeapProfiler.startSampling', {
      samplingInterval: SAMPLE_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    const counted = await slice(peer, load);
    const heap = await inspector.ask('HeapProfiler.stopSampling');
    await writeFile(`${stem}.heapprofile`, JSON.stringify(heap.profile));
    return [
      {
        scenario: 'profile',
        title: `Self time: ${peer.name}`,
        notes: [where('cpuprofile')],
        columns: ['µs/req', 'share'],
        rows: topRows(selfTimes(profile), timed.requests, 2),
      },
      {
        scenario: 'profile',
        title: `Allocations: ${peer.name}`,
        notes: [where('heapprofile')],
        columns: ['bytes/req', 'share'],
        rows: topRows(selfBytes(heap.profile.head), counted.requests, 0),
      },
    ];
  } finally {
    inspector.close();
  }
}

/**
 * Looks into the relay under load: what takes the time, and what allocates.
 *
 * @param run the run; only `latchkey` is profiled
 * @returns tables; the whole profiles lie in bench/out
 */
export async function profileRelay(run: Run): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const start of [latchkey, latchkeyUnaudited]) {
    run.progress('profile');
    results.push(
      ...(await withPeer(run, start, { inspect: true }, (peer) => profilePeer(run, peer))),
    );
  }
  return results;
}
