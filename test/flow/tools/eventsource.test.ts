import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { EventSource } from 'eventsource';
import { useTools } from '../../support/tools.ts';

/** Two events a connection; which ones follows from the last one that the client has seen. */
const seen: (string | undefined)[] = [];
const server = createServer((request, response) => {
  const last = request.headers['last-event-id'];
  seen.push(Array.isArray(last) ? last.join(',') : last);
  const first = Number(last ?? 0) + 1;
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(`retry: 20\n: comment\n\nid: ${first}\ndata: one\ndata: two\n\n`);
  setTimeout(() => response.end(`id: ${first + 1}\nevent: note\ndata: ${first + 1}\n\n`), 30);
});

describe('eventsource, a client of server-sent events', () => {
  const bench = useTools({ name: 'events', server });

  test('gets events, and goes on after the last one when it reconnects', async () => {
    const source = new EventSource(`${bench().localhost}/events`);
    const events: string[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        setTimeout(() => reject(new Error(`too few: ${events.join(' ')}`)), 60_000).unref();
        source.addEventListener('message', (event) => {
          events.push(`${event.lastEventId}:${String(event.data)}`);
        });
        source.addEventListener('note', (event) => {
          events.push(`${event.lastEventId}:${String(event.data)}`);
          if (event.lastEventId === '4') resolve();
        });
      });
    } finally {
      source.close();
    }
    assert.deepEqual(events, ['1:one\ntwo', '2:2', '3:one\ntwo', '4:4']);
    assert.deepEqual(seen.slice(0, 2), [undefined, '2']);
  });
});
