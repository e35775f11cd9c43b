import { hostname } from 'node:os';
import type { SplunkSinkConfig } from '../config/sink-config.ts';
import { deliveryOf } from './http-delivery.ts';
import { createPost } from './post.ts';
import type { Item, Sink } from './sink.ts';

function eventOf({ record, text }: Item, config: SplunkSinkConfig, host: string): string {
  const { index, source, sourcetype, format } = config;
  return JSON.stringify({
    time: Date.parse(record.at) / 1000,
    host,
    source,
    sourcetype,
    index,
    // Searchable without looking into the event, so that gaps and doubles are found whatever the format.
    fields: { seq: String(record.seq), record_id: record.id },
    event: format === 'cef' ? text : (JSON.parse(text) as unknown),
  });
}

/**
 * Posts batches to Splunk's HTTP Event Collector.
 *
 * @param config checked
 * @param now the clock, epoch ms
 * @returns the sink
 */
export function createSplunkSink(config: SplunkSinkConfig, now: () => number): Sink {
  const post = createPost(config);
  const host = hostname();
  return {
    async deliver(items, signal) {
      const body = items.map((item) => eventOf(item, config, host)).join('\n');
      const headers = {
        ...config.headers,
        authorization: `Splunk ${config.token}`,
        'content-type': 'application/json',
        'user-agent': 'latchkey-relay',
      };
      const answer = await post.send(headers, body, signal);
      return 'status' in answer ? deliveryOf(answer, now()) : answer;
    },
    close: post.close,
  };
}
