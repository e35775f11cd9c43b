import type { OtlpSinkConfig } from '../config/sink-config.ts';
import { deliveryOf } from './http-delivery.ts';
import { otlpLogs } from './otlp-logs.ts';
import { createPost, type Answer } from './post.ts';
import type { Delivery, Sink } from './sink.ts';

/** The collector took some and refused others; which ones it does not say. */
function partial({ body }: Answer): Delivery | undefined {
  try {
    const { partialSuccess } = JSON.parse(body) as {
      partialSuccess?: { rejectedLogRecords?: unknown } | null;
    };
    const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0);
    return rejected > 0
      ? { kind: 'rejected', problem: `the collector refused ${rejected} records` }
      : undefined;
  } catch {
    // Success needs no body that says so.
    return undefined;
  }
}

/**
 * Posts batches as OpenTelemetry logs.
 *
 * @param config checked
 * @param deps the clock, epoch ms, and Latchkey's version
 * @returns the sink
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
export function createOtlpSink(
  config: OtlpSinkConfig,
  deps: { readonly now: () => number; readonly version: string },
): Sink {
  const { now, version } = deps;
  const post = createPost(config);
  return {
    async deliver(items, signal) {
      const body = JSON.stringify(otlpLogs(items, version, now()));
      const headers = {
        ...config.headers,
        'content-type': 'application/json',
        'user-agent': 'latchkey-relay',
      };
      const answer = await post.send(headers, body, signal);
      if (!('status' in answer)) return answer;
      const delivery = deliveryOf(answer, now());
      return delivery.kind === 'accepted' ? (partial(answer) ?? delivery) : delivery;
    },
    close: post.close,
  };
}
