import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { levelOf } from '../../relay/log-level.ts';

const root = join(import.meta.dirname, '..', '..', 'relay');
const sources = globSync('**/*.{ts,tsx}', { cwd: root })
  .filter((file) => file !== 'log-level.ts')
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

/** Names of events, as far as their form tells. */
const events = new Set(
  [
    ...sources.matchAll(/\bevent: '(\w+)'/g),
    ...sources.matchAll(/\btell\('(\w+)'/g),
    ...sources.matchAll(/\bevent = \w[^;]*? \? '(\w+)' : '\w+'/g),
    ...sources.matchAll(/\bevent = \w[^;]*? \? '\w+' : '(\w+)'/g),
  ].map(([, name]) => name as string),
);

test('what sounds like a failure is no piece of information', () => {
  const bad =
    /_(?:circuit_open|died|dropped|error|failed|gap|letter|problem|refused|rejected|skipped|unhealthy|unsent)$/;
  const found = [...events].filter((event) => bad.test(event));
  assert.ok(found.length > 20, found.join());
  for (const event of found) assert.notEqual(levelOf({ event }), 'info', event);
});

test('lost records are errors, what may pass is a warning, the rest is information', () => {
  for (const event of [
    'audit_error',
    'audit_dead_letter',
    'audit_gap',
    'audit_sink_ledger_replaced',
  ])
    assert.equal(levelOf({ event }), 'error', event);
  for (const event of ['audit_sink_failed', 'anomaly_alert_failed', 'anomaly'])
    assert.equal(levelOf({ event }), 'warn', event);
  for (const event of ['listening', 'audit_sink_recovered', 'reloaded', undefined])
    assert.equal(levelOf({ event }), 'info', event);
});

test('each event that has a level of its own is one that there is', () => {
  const text = readFileSync(join(root, 'log-level.ts'), 'utf8');
  const named = [...text.matchAll(/^ {2}'(\w+)',$/gm)].map(([, name]) => name as string);
  assert.ok(named.length > 20);
  for (const event of named) assert.ok(events.has(event), `${event} is logged by nobody`);
});
