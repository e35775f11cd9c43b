import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClosers } from '../../relay/closers.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { ConfigError } from '../../relay/config/faults.ts';
import { createReloader, type Reloader } from '../../relay/reload.ts';
import { GOOD, load } from '../support/relay-yaml.ts';
import { until } from '../support/until.ts';

const fault = { file: 'relay.yaml', line: 3, column: 1, path: 'x', message: 'is missing' };

/** A reloader over a list of what each reading brings. */
function createBench(
  first: RelayConfig,
  readings: (RelayConfig | Error)[],
): { readonly reloader: Reloader; readonly events: string[]; readonly read: () => number } {
  const events: string[] = [];
  let read = 0;
  let current = first;
  let prepared = first;
  const reloader = createReloader({
    load: () => {
      const next = readings[Math.min(read++, readings.length - 1)];
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? first);
    },
    stage: {
      current: () => current,
      prepare: (config) => Promise.resolve(void (prepared = config)),
      adopt: () => void (current = prepared),
      discard: () => void events.push('discarded'),
    },
    ledger: { append: () => Promise.resolve() },
    keyPair: undefined,
    adopted: () => void events.push('adopted'),
    log: ({ event, cause }) => void events.push(`${String(event)} ${String(cause)}`),
    now: Date.now,
    retryMs: 20,
  });
  return { reloader, events, read: () => read };
}

test('a refused reload is tried again by itself, and told once', async (t) => {
  const first = await load(t, GOOD);
  const next: RelayConfig = { ...first, hash: 'next' };
  const bad = new ConfigError([fault]);
  const bench = createBench(first, [bad, bad, bad, next]);
  assert.deepEqual(await bench.reloader.reload('file'), { kind: 'refused', faults: [fault] });
  await until('the reload is told', () => bench.events.includes('reloaded retry'));
  assert.deepEqual(bench.events, ['reload_failed file', 'adopted', 'reloaded retry']);
  assert.equal(bench.reloader.lastFailure(), undefined);
  await bench.reloader.close();
});

test('a relay that stops reloads no more', async (t) => {
  const bench = createBench(await load(t, GOOD), [new ConfigError([fault])]);
  await bench.reloader.reload('signal');
  await bench.reloader.close();
  const read = bench.read();
  const late = await bench.reloader.reload('management');
  assert.equal(late.kind, 'refused');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(bench.read(), read);
});

test('what was opened is closed the other way round, once', async () => {
  const closed: number[] = [];
  const closers = createClosers();
  for (const at of [1, 2, 3]) closers.add(() => void closed.push(at));
  await closers.close();
  await closers.close();
  assert.deepEqual(closed, [3, 2, 1]);
});
