import { createHmac } from 'node:crypto';
import type { WebhookSinkConfig } from '../config/sink-config.ts';
import { deliveryOf } from './http-delivery.ts';
import { createPost } from './post.ts';
import type { Item, Sink } from './sink.ts';

/** A secret may be written as those of Standard Webhooks are: the prefix, then base64. */
function keyOf(secret: string): Buffer {
  const prefix = 'whsec_';
  return secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret);
}

/**
 * Signs a request as Standard Webhooks do.
 *
 * @param secret shared with the receiver
 * @param id of the message; the same when it is sent again
 * @param timestampSeconds when it is sent, since the epoch
 * @param body as sent
 * @returns the fields by which a receiver knows the sender, and refuses what is old
 * @see https://www.standardwebhooks.com
 */
export function signatureFields(
  secret: string,
  id: string,
  timestampSeconds: number,
  body: string,
): Record<string, string> {
  const signed = `${id}.${timestampSeconds}.${body}`;
  const mac = createHmac('sha256', keyOf(secret)).update(signed).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${mac}`,
  };
}

function write(items: readonly Item[], body: WebhookSinkConfig['body']): string {
  const texts = items.map(({ text }) => text);
  return body === 'array' ? `[${texts.join(',')}]` : `${texts.join('\n')}\n`;
}

function mediaType({ format, body }: WebhookSinkConfig): string {
  if (body === 'array') return 'application/json';
  return format === 'cef' ? 'text/plain; charset=utf-8' : 'application/x-ndjson';
}

/**
 * Posts batches to any HTTP endpoint.
 *
 * @param config checked
 * @param now the clock, epoch ms
 * @returns the sink; 2xx means that the receiver has the batch
 */
export function createWebhookSink(config: WebhookSinkConfig, now: () => number): Sink {
  const post = createPost(config);
  return {
    async deliver(items, signal) {
      const body = write(items, config.body);
      const first = items[0]?.record.seq ?? 0;
      const last = items.at(-1)?.record;
      const id = `${config.name}-${first}-${last?.seq ?? 0}-${last?.hash.slice(0, 16) ?? ''}`;
      const answer = await post.send(
        {
          ...config.headers,
          'content-type': mediaType(config),
          'user-agent': 'latchkey-relay',
          ...(config.secret === undefined
            ? { 'webhook-id': id }
            : signatureFields(config.secret, id, Math.floor(now() / 1000), body)),
        },
        body,
        signal,
      );
      return 'status' in answer ? deliveryOf(answer, now()) : answer;
    },
    close: post.close,
  };
}
