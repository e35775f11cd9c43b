import type { SinkConfig } from '../config/sink-config.ts';
import { createFileSink } from './file-sink.ts';
import { createOtlpSink } from './otlp-sink.ts';
import type { Sink } from './sink.ts';
import { createSplunkSink } from './splunk-sink.ts';
import { createSyslogSink } from './syslog-sink.ts';
import { createWebhookSink } from './webhook-sink.ts';

/**
 * Makes what a sink's type stands for.
 *
 * @param config checked
 * @param deps the clock, epoch ms; Latchkey's version; what the sink's format begins a file with
 * @returns the sink; nothing is opened before the first batch
 */
export function createSink(
  config: SinkConfig,
  deps: { readonly now: () => number; readonly version: string; readonly head: string },
): Sink {
  switch (config.type) {
    case 'syslog':
      return createSyslogSink(config);
    case 'webhook':
      return createWebhookSink(config, deps.now);
    case 'splunk':
      return createSplunkSink(config, deps.now);
    case 'otlp':
      return createOtlpSink(config, deps);
    case 'file':
      return createFileSink(config, deps.head);
    default:
      return config satisfies never;
  }
}
