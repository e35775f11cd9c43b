/** Where a function is. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

/** A profile of CPU time: how many samples fell on each node, and the time between them. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples?: readonly number[];
  /** In µs. */
  readonly timeDeltas?: readonly number[];
}

/** A tree of functions with the bytes that each allocated itself. */
export interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

/** The commands of the DevTools protocol that we use, with their results. */
export interface Protocol {
  readonly 'Profiler.enable': unknown;
  readonly 'Profiler.setSamplingInterval': unknown;
  readonly 'Profiler.start': unknown;
  readonly 'Profiler.stop': { readonly profile: CpuProfile };
  readonly 'HeapProfiler.enable': unknown;
  readonly 'HeapProfiler.collectGarbage': unknown;
  readonly 'HeapProfiler.startSampling': unknown;
  readonly 'HeapProfiler.stopSampling': { readonly profile: { readonly head: AllocationNode } };
}
