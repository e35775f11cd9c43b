import assert from 'node:assert/strict';
import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Channel, createChannel, type Message } from '../../../relay/workers/channel.ts';
import { until } from '../../support/until.ts';

function listen(stream: Duplex, flush: 'turn' | 'tick' = 'turn') {
  const received: Message[] = [];
  const state = { closed: 0 };
  const channel: Channel = createChannel(stream, {
    flush,
    receive: (message) => void received.push(message),
    closed: () => void (state.closed += 1),
  });
  return { channel, received, state };
}

test('messages arrive whole and in order, however their bytes are cut', async () => {
  const message = fc.array(fc.jsonValue(), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 7 }),
      async (messages, step) => {
        const [near, far] = duplexPair();
        const sender = listen(near);
        for (const one of messages) sender.channel.post(one);
        const bytes = await new Promise<Buffer>((resolve) => far.once('data', resolve));
        const cut = new PassThrough();
        const { received } = listen(cut);
        for (let at = 0; at < bytes.length; at += step) cut.write(bytes.subarray(at, at + step));
        await until('all messages have come', () => received.length === messages.length);
        assert.deepEqual(received, JSON.parse(JSON.stringify(messages)));
        for (const stream of [near, far, cut]) stream.destroy();
      },
    ),
    { numRuns: 50 },
  );
});

test('what one turn posts is one write', async () => {
  for (const flush of ['turn', 'tick'] as const) {
    const [near, far] = duplexPair();
    let writes = 0;
    far.on('data', () => (writes += 1));
    const { channel } = listen(near, flush);
    for (let at = 0; at < 100; at++) channel.post([at]);
    await until('something is written', () => writes > 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(writes, 1);
    near.destroy();
    far.destroy();
  }
});

test('closing sends what waits; the other side hears of the end once', async () => {
  const [near, far] = duplexPair();
  const one = listen(near);
  const other = listen(far);
  one.channel.post(['last']);
  one.channel.close();
  await until('both sides are closed', () => other.state.closed === 1 && one.state.closed === 1);
  assert.deepEqual(other.received, [['last']]);
  other.channel.post(['too late']);
  assert.equal(other.channel.backlogBytes(), 0);
});
