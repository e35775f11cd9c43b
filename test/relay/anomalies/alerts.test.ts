import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAlerts } from '../../../relay/anomalies/alerts.ts';
import { startSinkServer } from '../../support/sink-server.ts';
import { until } from '../../support/until.ts';

test('a receiver whose 200 has 100 KB has the message, and gets it once', async (t) => {
  const server = await startSinkServer(t);
  server.answer((_request, response) => void response.end('x'.repeat(100_000)));
  const log: unknown[] = [];
  const alerts = createAlerts({
    now: Date.now,
    random: () => 0,
    log: (event) => void log.push(event),
  });
  t.after(alerts.close);
  alerts.configure({ url: server.url, secret: 'a shared secret', tls: {}, timeoutMs: 60_000 });
  for (const id of ['m1', 'm2']) alerts.add({ id, body: `{"id":"${id}"}` });
  await until('both messages are delivered', () => alerts.counts().delivered === 2);
  assert.deepEqual(alerts.counts(), { delivered: 2, failed: 0, dropped: 0 });
  assert.deepEqual(
    server.received.map(({ headers }) => headers['webhook-id']),
    ['m1', 'm2'],
  );
  assert.deepEqual(log, []);
});
