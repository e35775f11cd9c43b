import type { TestContext } from 'node:test';
import type { AuditRecord } from '../../../audit/record.ts';
import type {
  SinkConfig,
  SyslogSinkConfig,
  WebhookSinkConfig,
} from '../../../relay/config/sink-config.ts';
import { createShipping, type Shipping } from '../../../relay/shipping/shipping.ts';
import type { SinkState } from '../../../relay/shipping/telling.ts';

/** Shipping in this process, and what it told. */
export interface ShippingBench {
  readonly shipping: Shipping;
  readonly log: readonly Readonly<Record<string, unknown>>[];
  named(event: string): readonly Readonly<Record<string, unknown>>[];
  state(name?: string): SinkState;
}

const COMMON = {
  name: 'siem',
  from: 'beginning',
  filter: { apis: [], decisions: [], kinds: [] },
  batch: { records: 100, bytes: 1024 ** 2, delayMs: 10 },
  timeoutMs: 60_000,
} as const;

/** A webhook sink with changes. */
export function webhook(url: string, changes: Partial<WebhookSinkConfig> = {}): WebhookSinkConfig {
  const base = {
    ...COMMON,
    type: 'webhook',
    format: 'jsonl',
    body: 'ndjson',
    headers: {},
    tls: {},
  };
  return { ...(base as Omit<WebhookSinkConfig, 'url'>), url, ...changes };
}

/** A syslog sink with changes. */
export function syslog(port: number, changes: Partial<SyslogSinkConfig> = {}): SyslogSinkConfig {
  return {
    ...COMMON,
    type: 'syslog',
    host: '127.0.0.1',
    port,
    transport: 'tls',
    tls: {},
    format: 'jsonl',
    facility: 13,
    confirm: 'close',
    ...changes,
  };
}

/** What sinks of the other types begin with. */
export const common = COMMON;

/** Ships a ledger's directory until the test ends. */
export async function startShipping(
  t: Pick<TestContext, 'after'>,
  dir: string,
  sinks: readonly SinkConfig[],
): Promise<ShippingBench> {
  const log: Record<string, unknown>[] = [];
  const shipping = createShipping({
    dir,
    version: '1.2.3',
    log: (event) => void log.push(event),
    now: Date.now,
    // No jitter upwards: tests wait half as long.
    random: () => 0,
  });
  await shipping.use(sinks);
  const timer = setInterval(() => shipping.wake(), 20);
  t.after(async () => {
    clearInterval(timer);
    await shipping.close();
  });
  return {
    shipping,
    log,
    named: (event) => log.filter((entry) => entry['event'] === event),
    state(name = 'siem') {
      const found = shipping.states().find((state) => state.name === name);
      if (found === undefined) throw new Error(`no sink ${name}`);
      return found;
    },
  };
}

/** The numbers of records in JSON lines. */
export const seqs = (lines: readonly string[]): number[] =>
  lines.map((line) => (JSON.parse(line) as AuditRecord).seq);

/** 1, 2, … last. */
export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);
