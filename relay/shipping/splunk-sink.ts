import { hostname } from 'node:os';
import type { SplunkSinkConfig } from '../config/sink-config.ts';
import { deliveryOf } from './http-delivery.ts';
import { createPost, type Answer } from './post.ts';
import type { Delivery, Item, Sink } from './sink.ts';

/** What its 400 means where the settings are at fault: every record would be refused. */
const SETTINGS: ReadonlyMap<unknown, string> = new Map([
  [7, 'there is no such index, or the token may not write to it'],
  [10, 'the token is for indexer acknowledgement, which is not used here'],
  [11, 'the channel in the headers is not one'],
  [14, 'the address is for indexer acknowledgement, which the token is not'],
  [16, 'tokens in the address are not taken there'],
]);

function settingsFault({ status, body }: Answer): Delivery | undefined {
  if (status !== 400) return undefined;
  try {
    const { code } = JSON.parse(body) as { readonly code?: unknown };
    const meaning = SETTINGS.get(code);
    return meaning === undefined
      ? undefined
      : {
          kind: 'failed',
          reason: 'settings',
          problem: `HTTP 400, code ${String(code)}: ${meaning}`,
        };
  } catch {
    // Something before the collector answered: its status is all there is.
    return undefined;
  }
}

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
      if (!('status' in answer)) return answer;
      return settingsFault(answer) ?? deliveryOf(answer, now());
    },
    close: post.close,
  };
}
