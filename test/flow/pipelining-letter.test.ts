import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyOf, CLOSE, createLetterBench, OK, statusesOf } from '../support/letter.ts';

const numbered = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const pathOf = (head: string): string => head.split(' ')[1] ?? '';

describe('pipelining (RFC 9112 §9.3.2)', () => {
  test('answers come in order when the first is slow, the second fails and the third is large', async (t) => {
    const large = 'x'.repeat(1_000_000);
    const bench = await createLetterBench(t, (head, socket) => {
      if (pathOf(head) === '/2') return void socket.destroy();
      if (pathOf(head) === '/3') return numbered(large);
      return void setTimeout(() => socket.write(numbered('first')), 200);
    });
    const client = await bench.open();
    client.send(
      bench.head('GET /x/1 HTTP/1.1') +
        bench.head('POST /x/2 HTTP/1.1', 'Content-Length: 3') +
        'abc' +
        bench.head('GET /x/3 HTTP/1.1') +
        bench.head('GET /nowhere HTTP/1.1', CLOSE),
    );
    const seen = await client.ended();
    assert.deepEqual(statusesOf(seen), [200, 502, 200, 404]);
    assert.match(seen, /^[^]*?\r\n\r\nfirstHTTP\/1\.1 502/);
    assert.ok(seen.includes(`\r\n\r\n${large}HTTP/1.1 404`));
  });

  test('an answer may wait for its turn longer than any upstream may take', async (t) => {
    const bench = await createLetterBench(
      t,
      (head, socket) => {
        if (pathOf(head) !== '/1') return OK;
        let left = 20;
        const timer = setInterval(() => {
          left -= 1;
          socket.write('1\r\nx\r\n');
          if (left > 0) return;
          clearInterval(timer);
          socket.write('0\r\n\r\n');
        }, 500);
        return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
      },
      { api: '    timeouts: { connect: 60s, headers: 8s, idle: 8s }' },
    );
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1') + bench.head('GET /x/2 HTTP/1.1', CLOSE));
    assert.deepEqual(statusesOf(await client.ended()), [200, 200]);
  });
});

describe('bytes that are no request, behind one that is (RFC 9112 §2.2, §9.6)', () => {
  test('after Connection: close they are not looked at: the answer comes', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => {
      setTimeout(() => socket.write(OK), 100);
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1', CLOSE) + bench.head('GET /x/2 HTTP/1.1'));
    assert.deepEqual(statusesOf(await client.ended()), [200]);
  });

  test('the refusal of them is never put into an answer that has begun', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => {
      setTimeout(() => socket.destroy(), 200);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nbegun';
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1'));
    await client.until(/begun$/);
    client.send('no request\r\n\r\n');
    assert.equal(bodyOf(await client.ended()), 'begun');
  });

  test('the refusal of them comes after the answers before it', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => {
      setTimeout(() => socket.write(OK), 100);
    });
    const client = await bench.open();
    client.send(`${bench.head('GET /x/1 HTTP/1.1')}no request\r\n\r\n`);
    const seen = await client.ended();
    assert.ok(statusesOf(seen)[0] === 200 || seen === '', seen);
  });
});
