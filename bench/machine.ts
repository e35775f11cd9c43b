import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** The core of the generator and the upstream, and that of the program under test. */
const CORES = { load: '0', peer: '1' } as const;

/** Linux counts CPU time in these (`getconf CLK_TCK` is 100 on every platform that node runs on). */
const TICK_MS = 10;

/** What a program, with all its children, has used. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMib: number;
  /** The highest it ever was. */
  readonly peakMib: number;
}

/** The processes that a program began with; 0 is none. */
interface Program {
  readonly pid: number;
  readonly helpers?: readonly number[];
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
  readonly reapedTicks: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function statOf(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name stands in brackets and may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (text === '') return undefined;
  const number = (index: number): number => Number(fields[index]);
  return {
    pid,
    parent: number(1),
    cpuTicks: number(11) + number(12),
    reapedTicks: number(13) + number(14),
  };
}

/** The process and all below it. */
function family(root: number): readonly ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== undefined);
  const found = all.filter(({ pid }) => pid === root);
  for (const member of found) found.push(...all.filter(({ parent }) => parent === member.pid));
  return found;
}

function memoryMib(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1];
  return Number(kib ?? 0) / 1024;
}

/**
 * Reads what a program has used so far. Pages that its processes share are counted once for each.
 *
 * @param program its first processes
 * @returns CPU time in ms, in steps of 10; memory in MiB; zeros where there is no /proc
 */
export function usageOf({ pid, helpers = [] }: Program): Usage {
  const members = [pid, ...helpers].filter((root) => root !== 0).flatMap(family);
  const sum = (of: (stat: ProcessStat) => number): number =>
    members.reduce((total, member) => total + of(member), 0);
  return {
    cpuMs: sum(({ cpuTicks }) => cpuTicks) * TICK_MS,
    rssMib: sum((member) => memoryMib(member.pid, 'VmRSS')),
    peakMib: sum((member) => memoryMib(member.pid, 'VmHWM')),
  };
}

/** Time of the whole machine that somebody used, in ms. */
function machineBusyMs(): number {
  const fields = (read('/proc/stat').split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1);
  const [user, nice, system, , , irq, softirq] = fields.map(Number);
  return [user, nice, system, irq, softirq].reduce<number>((all, one) => all + (one ?? 0), 0) * 10;
}

/**
 * Watches whether others use the machine during a measurement.
 *
 * @returns a function that gives, since the last call, the share of one core that went to processes
 *   which are neither ours nor children of ours
 */
export function watchStrangers(): () => number {
  const oursMs = (): number => {
    const own = family(process.pid);
    const reaped = own.find(({ pid }) => pid === process.pid)?.reapedTicks ?? 0;
    return (own.reduce((all, { cpuTicks }) => all + cpuTicks, 0) + reaped) * TICK_MS;
  };
  let last = { atMs: performance.now(), busyMs: machineBusyMs(), oursMs: oursMs() };
  return () => {
    const next = { atMs: performance.now(), busyMs: machineBusyMs(), oursMs: oursMs() };
    const strangersMs = next.busyMs - last.busyMs - (next.oursMs - last.oursMs);
    const share = strangersMs / (next.atMs - last.atMs);
    last = next;
    return Math.max(0, share);
  };
}

/** Whether a program can be found. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

const canPin = availableParallelism() > 1 && hasProgram('taskset');

/**
 * Puts this process, and with it all that it starts, on the generator's core.
 *
 * @returns whether programs can be kept apart: two cores and `taskset`
 */
export function pinGenerator(): boolean {
  return (
    canPin &&
    spawnSync('taskset', ['-apc', CORES.load, String(process.pid)], { stdio: 'ignore' }).status ===
      0
  );
}

/**
 * Writes down how a program is started so that it has a core of its own and doesn't outlive this process.
 *
 * @param place whether it is under test or belongs to the generator
 * @param command the program
 * @param args its arguments
 * @returns command and arguments
 */
export function placed(
  place: keyof typeof CORES,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  const words = [
    ...(canPin ? ['taskset', '-c', CORES[place]] : []),
    ...(hasProgram('setpriv') ? ['setpriv', '--pdeathsig', 'TERM'] : []),
    command,
    ...args,
  ];
  return { command: words[0] ?? command, args: words.slice(1) };
}

/** What the figures were measured on. */
export const machine: Readonly<Record<string, string | number>> = {
  node: process.version,
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? '',
};
