import type { AnomalyConfig } from '../config/config.ts';
import { createBackoff } from '../shipping/backoff.ts';
import { deliveryOf } from '../shipping/http-delivery.ts';
import { createPost, type Post } from '../shipping/post.ts';
import type { Delivery } from '../shipping/sink.ts';
import { signatureFields } from '../shipping/webhook-sink.ts';
import type { Message } from './messages.ts';

/** More wait only while the receiver is down for long; then the oldest are given up, counted. */
const MOST_WAITING = 1000;
/** For what waits when the relay stops. */
const LAST_MS = 2_000;

type Webhook = NonNullable<AnomalyConfig['webhook']>;

/** What became of messages. */
export interface AlertCounts {
  readonly delivered: number;
  /** Tries that failed; each message is tried again. */
  readonly failed: number;
  /** Messages that were given up: refused by the receiver, or too many. */
  readonly dropped: number;
}

/** Tells a webhook of anomalies, at least once while the relay runs. */
export interface Alerts {
  /** Takes a message; nothing waits for its delivery. */
  add(message: Message): void;
  /** Later messages, and those that wait, go there; without a webhook they are forgotten. */
  configure(webhook: Webhook | undefined): void;
  counts(): AlertCounts;
  /** Tries once more what waits, within two seconds. */
  close(): Promise<void>;
}

interface Receiver {
  readonly webhook: Webhook;
  readonly post: Post;
}

/**
 * Makes what tells a webhook.
 *
 * @param deps `now` the clock, epoch ms; `random` 0 to 1; `log` hears of failures, never of contents
 * @returns no webhook yet
 */
export function createAlerts(deps: {
  readonly now: () => number;
  readonly random: () => number;
  readonly log: (event: Record<string, unknown>) => void;
}): Alerts {
  const { now, log } = deps;
  const counts = { delivered: 0, failed: 0, dropped: 0 };
  const waiting: Message[] = [];
  const stop = new AbortController();
  let receiver: Receiver | undefined;
  let running: Promise<void> | undefined;
  let wake = (): void => {};
  let isClosing = false;

  async function send({ webhook, post }: Receiver, { id, body }: Message): Promise<Delivery> {
    const fields = signatureFields(webhook.secret, id, Math.floor(now() / 1000), body);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'latchkey-relay',
      ...fields,
    };
    const answer = await post.send(headers, body, stop.signal);
    return 'status' in answer ? deliveryOf(answer, now()) : answer;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function drop(message: Message, problem: string): void {
    counts.dropped += 1;
    log({ event: 'anomaly_alert_dropped', id: message.id, problem });
  }

  /** One at a time, in order. */
  async function run(): Promise<void> {
    const backoff = createBackoff(deps.random);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (receiver === undefined) continue;
      const delivery = await send(receiver, next);
      if (delivery.kind === 'accepted') {
        counts.delivered += 1;
        backoff.reset();
      } else if (delivery.kind === 'rejected') drop(next, delivery.problem);
      else if (isClosing) drop(next, delivery.problem);
      else {
        counts.failed += 1;
        log({ event: 'anomaly_alert_failed', id: next.id, problem: delivery.problem });
        waiting.unshift(next);
        await pause(backoff.next(delivery.retryAfterMs));
      }
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = undefined;
      if (waiting.length > 0) start();
    });
  }

  return {
    add(message) {
      if (receiver === undefined || isClosing) return;
      waiting.push(message);
      if (waiting.length > MOST_WAITING) {
        const oldest = waiting.shift();
        if (oldest !== undefined) drop(oldest, `${MOST_WAITING} wait already`);
      }
      start();
    },
    configure(webhook) {
      const before = receiver;
      receiver = webhook && { webhook, post: createPost(webhook) };
      before?.post.close();
      wake();
    },
    counts: () => ({ ...counts }),
    async close() {
      isClosing = true;
      wake();
      const timer = setTimeout(() => stop.abort(), LAST_MS);
      await running;
      clearTimeout(timer);
      receiver?.post.close();
    },
  };
}
