/** What one process counted. */
export interface Counted {
  /** Names it in the figures that only make sense a process. */
  readonly worker: string;
  /** Prometheus text. */
  readonly text: string;
}

interface Family {
  readonly head: readonly string[];
  readonly type: string;
  readonly samples: Map<string, number>;
}

/** Memory, CPU and event loops are a process's own. */
const OWN = /^(?:process|nodejs)_/;
/** Of gauges: what adds up, and what is as bad as the worst says by being small. All others: the largest. */
const SUMS = new Set(['latchkey_active_streams']);
const SMALLEST = new Set([
  'latchkey_issuer_ready',
  'latchkey_upstream_healthy',
  'latchkey_config_loaded_timestamp_seconds',
  'latchkey_certificate_expiry_timestamp_seconds',
]);

function merged(family: string, type: string, one: number, other: number): number {
  if (type !== 'gauge' || SUMS.has(family)) return one + other;
  return SMALLEST.has(family) ? Math.min(one, other) : Math.max(one, other);
}

function labelled(sample: string, worker: string): string {
  const label = `worker="${worker}"`;
  const at = sample.indexOf('{');
  return at < 0
    ? `${sample}{${label}}`
    : `${sample.slice(0, at + 1)}${label},${sample.slice(at + 1)}`;
}

function addText({ worker, text }: Counted, families: Map<string, Family>): void {
  let help = '';
  let current: Family | undefined;
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) help = line;
    else if (line.startsWith('# TYPE ')) {
      const type = line.slice(line.lastIndexOf(' ') + 1);
      name = line.slice(7, line.lastIndexOf(' '));
      current = families.get(name) ?? { head: [help, line], type, samples: new Map() };
      families.set(name, current);
    } else if (current !== undefined) {
      const at = line.lastIndexOf(' ');
      const own = OWN.test(name);
      const sample = own ? labelled(line.slice(0, at), worker) : line.slice(0, at);
      const value = Number(line.slice(at + 1).replace('Inf', 'Infinity'));
      const before = current.samples.get(sample);
      current.samples.set(
        sample,
        before === undefined ? value : merged(name, current.type, before, value),
      );
    }
  }
}

/** Prometheus writes infinities in its own way. */
function written(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/**
 * Picks from the figures of a process that is gone what it must not take with it: counts.
 *
 * @param text Prometheus text
 * @returns its counters and histograms
 */
export function countersOf(text: string): string {
  const families = new Map<string, Family>();
  addText({ worker: '', text }, families);
  for (const [name, { type }] of families)
    if (type === 'gauge' || OWN.test(name)) families.delete(name);
  return writeFamilies(families);
}

/**
 * Puts the figures of several processes together: counters and histograms add up, gauges by what
 * they mean, and what belongs to a process bears its name.
 *
 * @param counted one text a process
 * @returns one text
 */
export function sumMetrics(counted: readonly Counted[]): string {
  const families = new Map<string, Family>();
  for (const one of counted) addText(one, families);
  return writeFamilies(families);
}

function writeFamilies(families: ReadonlyMap<string, Family>): string {
  const lines: string[] = [];
  for (const { head, samples } of families.values()) {
    lines.push(...head);
    for (const [sample, value] of samples) lines.push(`${sample} ${written(value)}`);
    lines.push('');
  }
  return lines.join('\n');
}
