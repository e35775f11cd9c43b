import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { createPost, type Answer } from '../../../relay/shipping/post.ts';
import { startSinkServer, type SinkServer } from '../../support/sink-server.ts';

const never = new AbortController().signal;

function endless(response: ServerResponse): void {
  const pour = (): void => {
    if (response.destroyed) return;
    if (response.write(Buffer.alloc(64 * 1024, 'x'))) setImmediate(pour);
    else response.once('drain', pour);
  };
  pour();
}

async function answered(
  t: Parameters<typeof startSinkServer>[0],
  reply: Parameters<SinkServer['answer']>[0],
  timeoutMs = 60_000,
): Promise<Answer> {
  const server = await startSinkServer(t);
  server.answer(reply);
  const post = createPost({ url: server.url, tls: {}, timeoutMs });
  t.after(post.close);
  const answer = await post.send({}, 'a body', never);
  assert.ok('status' in answer, JSON.stringify(answer));
  return answer;
}

const bodies: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'of 100 KB': (response) => void response.end('x'.repeat(100_000)),
  'without end': endless,
  'cut short': (response) => {
    response.setHeader('content-length', 100);
    response.write('x'.repeat(50), () => response.destroy());
  },
  'cut between two chunks': (response) => void response.write('x', () => response.destroy()),
};

for (const [name, write] of Object.entries(bodies))
  for (const status of [200, 503])
    void test(`${status} with a body ${name} is an answer all the same`, async (t) => {
      const answer = await answered(t, (_request, response) => {
        response.statusCode = status;
        response.setHeader('retry-after', '7');
        write(response);
      });
      assert.deepEqual([answer.status, answer.retryAfter], [status, '7']);
      assert.match(answer.body, /^x{0,65536}$/);
    });

void test('200 with a body that does not come is an answer when the time is over', async (t) => {
  const reply = (_request: unknown, response: ServerResponse): void => void response.write('x');
  assert.equal((await answered(t, reply, 500)).status, 200);
});

void test('a connection that breaks before the answer is a failure', async (t) => {
  const server = await startSinkServer(t);
  server.answer((_request, response) => response.destroy());
  const post = createPost({ url: server.url, tls: {}, timeoutMs: 60_000 });
  t.after(post.close);
  const answer = await post.send({}, 'a body', never);
  assert.ok('kind' in answer);
  assert.equal(answer.reason, 'connect');
});

void test('the next post goes out on another connection after an answer that was cut off, and on the same after others', async (t) => {
  const server = await startSinkServer(t);
  const ports: unknown[] = [];
  const post = createPost({ url: server.url, tls: {}, timeoutMs: 60_000 });
  t.after(post.close);
  for (const write of [bodies['without end'], undefined, undefined]) {
    server.answer((_request, response) => {
      ports.push(response.socket?.remotePort);
      if (write === undefined) response.end('{}');
      else write(response);
    });
    const answer = await post.send({}, 'a body', never);
    assert.ok('status' in answer);
  }
  assert.notEqual(ports[0], ports[1]);
  assert.equal(ports[1], ports[2]);
});
