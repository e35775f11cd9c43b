import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { listenOnLoopback } from '../../demo/listen.ts';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import { withCopy } from '../../wire/copies.ts';
import { forward } from '../../wire/forward.ts';
import { responseHeaders } from '../../wire/headers.ts';

const BLOCK = 48 * 1024;
const BLOCKS = 64;

test('a copy is used again only when it was said to be done with', () => {
  const seen: Buffer[] = [];
  const keep = (copy: Buffer, done?: () => void): (() => void) | undefined => {
    seen.push(copy);
    return done;
  };
  const first = withCopy(Buffer.alloc(BLOCK, 'a'), keep);
  withCopy(Buffer.alloc(BLOCK, 'b'), keep);
  assert.notEqual(seen[0]?.buffer, seen[1]?.buffer);
  first?.();
  withCopy(Buffer.alloc(BLOCK, 'c'), keep);
  assert.equal(seen[2]?.buffer, seen[0]?.buffer);
  assert.ok(seen[1]?.equals(Buffer.alloc(BLOCK, 'b')));
  assert.ok(seen[2]?.equals(Buffer.alloc(BLOCK, 'c')));
});

test('a copy has the length of its piece, whatever lay in the memory before', () => {
  withCopy(Buffer.alloc(BLOCK, 'a'), (_copy, done) => done?.());
  for (const bytes of [0, 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 64 * 1024 + 1, 200_000]) {
    const piece = Buffer.alloc(bytes, 'z');
    withCopy(piece, (copy) => assert.ok(copy.equals(piece), `${bytes} bytes`));
  }
});

/** A body that is another for each number, and in each block. */
async function* bodyOf(number: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < BLOCKS; at += 1) {
    const seed = createHash('sha256').update(`${number}/${at}`).digest();
    yield Buffer.alloc(BLOCK, seed);
    if (at % 16 === number % 16) await sleep(1);
  }
}

async function hashOf(number: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of bodyOf(number)) hash.update(block);
  return hash.digest('hex');
}

test("no reader gets another's bytes, however slow some are and whoever leaves", async (t) => {
  const upstream = await listenOnLoopback(
    http.createServer((request, response) => void serve(Number(request.url?.slice(1)), response)),
    0,
  );
  t.after(() => upstream.close());
  const pool = createConnectionPool({
    host: '127.0.0.1',
    port: Number(new URL(upstream.url).port),
  });
  t.after(() => pool.destroy());
  const proxy = await listenOnLoopback(
    http.createServer((request, response) => {
      forward(request, response, {
        hop: { pool },
        method: 'GET',
        path: request.url ?? '',
        framing: { kind: 'none' },
        headers: ['Host', 'upstream'],
        maxBodyBytes: 0,
        timeouts: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
        answer: (_status, raw) => responseHeaders(raw, { drop: () => false, add: [] }),
      }).catch(() => response.destroy());
    }),
    0,
  );
  t.after(() => proxy.close());

  /** Reads at its own pace; one in four leaves in the middle. */
  const read = (number: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const hash = createHash('sha256');
      const leavesAt = number % 4 === 3 ? 20 * BLOCK : Infinity;
      let bytes = 0;
      const request = http.get(`${proxy.url}/${number}`, { agent: false }, (answer) => {
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          hash.update(chunk);
          if (bytes >= leavesAt) {
            request.destroy();
            resolve('left');
          } else if (number % 3 === 0) {
            answer.pause();
            setTimeout(() => answer.resume(), 2);
          }
        });
        answer.on('end', () => resolve(hash.digest('hex')));
      });
      request.on('error', (error) => (bytes >= leavesAt ? undefined : reject(error)));
    });

  const numbers = Array.from({ length: 32 }, (_, at) => at);
  for (let round = 0; round < 2; round += 1) {
    const got = await Promise.all(numbers.map(read));
    for (const number of numbers)
      assert.equal(got[number], number % 4 === 3 ? 'left' : await hashOf(number), `body ${number}`);
  }
});

/** One half with a length, the other in chunks. */
async function serve(number: number, response: http.ServerResponse): Promise<void> {
  response.on('error', () => {});
  if (number % 2 === 0) response.setHeader('Content-Length', BLOCK * BLOCKS);
  for await (const block of bodyOf(number)) {
    if (response.destroyed) return;
    if (!response.write(block)) await Promise.race([sleep(20), drained(response)]);
  }
  response.end();
}

function drained(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
  });
}
