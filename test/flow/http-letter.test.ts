import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLOSE, createLetterBench, OK, statusesOf } from '../support/letter.ts';
import { codeOf, statusOf } from '../support/raw.ts';

const ok = (): string => OK;
describe('Expect (RFC 9110 §10.1.1)', () => {
  test('100 Continue comes before the body, once it is wanted; the expectation goes no further', async (t) => {
    const bench = await createLetterBench(t, () => undefined);
    const client = await bench.open();
    client.send(bench.head('POST /x/1 HTTP/1.1', 'Expect: 100-Continue', 'Content-Length: 3'));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    assert.doesNotMatch(await bench.arrives(/\r\n\r\n$/), /expect/i);
    client.send('abc');
    await bench.arrives(/\r\n\r\nabc$/);
    client.socket.destroy();
  });

  test('a refused request gets its final answer, no 100, and its connection ends', async (t) => {
    const bench = await createLetterBench(t, ok, {
      rules: '      - { name: get, allow: { paths: [/a] } }',
      api: '    limits: { body: 1KB }',
    });
    const expect = ['Expect: 100-continue', 'Content-Length: 9'];
    const heads: readonly [number, string][] = [
      [401, bench.head('POST /x/a HTTP/1.1', ...expect).replace('Bearer ', 'Bearer x')],
      [403, bench.head('POST /x/b HTTP/1.1', ...expect)],
      [404, bench.head('POST /y HTTP/1.1', ...expect)],
      [413, bench.head('POST /x/a HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 9999')],
    ];
    for (const [status, head] of heads) {
      const seen = await bench.once(head);
      assert.deepEqual(statusesOf(seen), [status]);
      assert.match(seen, /\r\nConnection: close\r\n/);
    }
    assert.equal(bench.upstream.requests(), 0);
  });

  test('a client of HTTP/1.0 gets no 100, whatever it expects', async (t) => {
    const bench = await createLetterBench(t, ok);
    const seen = await bench.once(
      `${bench.head('POST /x/1 HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 3')}abc`,
    );
    assert.deepEqual(statusesOf(seen), [200]);
  });

  test('nobody is asked for a body that there is not', async (t) => {
    const bench = await createLetterBench(t, ok);
    const seen = await bench.once(bench.head('GET /x/1 HTTP/1.1', CLOSE, 'Expect: 100-continue'));
    assert.deepEqual(statusesOf(seen), [200]);
  });

  test('another expectation is dropped: the request is served as if it had none', async (t) => {
    const bench = await createLetterBench(t, ok);
    const head = bench.head('POST /x/1 HTTP/1.1', CLOSE, 'Expect: tea', 'Content-Length: 3');
    assert.deepEqual(statusesOf(await bench.once(`${head}abc`)), [200]);
    assert.doesNotMatch(bench.arrived(), /expect/i);
  });
});

describe('interim answers (RFC 9110 §15.2)', () => {
  const hints =
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Inside: 10.0.0.1\r\n\r\n';
  const interims = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${hints}`;

  test('102 and 103 pass with Link alone, 100 does not; they come before the answer is there', async (t) => {
    let answer = (): void => {};
    const bench = await createLetterBench(t, (_head, socket) => {
      answer = () => void socket.write(OK);
      return interims;
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1'));
    await client.until(
      /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\n$/,
    );
    answer();
    assert.deepEqual(statusesOf(await client.until(/\r\n\r\nok$/)), [102, 103, 200]);
  });

  test('a client of HTTP/1.0 gets none', async (t) => {
    const bench = await createLetterBench(t, () => interims + OK);
    const seen = await bench.once(bench.head('GET /x/1 HTTP/1.0'));
    assert.deepEqual(statusesOf(seen), [200]);
  });

  test('a pipelined request gets none before its turn', async (t) => {
    const bench = await createLetterBench(t, (head, socket) => {
      if (head.startsWith('GET /2')) return interims + OK;
      setTimeout(() => socket.write(OK), 150);
      return undefined;
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1') + bench.head('GET /x/2 HTTP/1.1', CLOSE));
    const seen = await client.ended();
    assert.equal(statusesOf(seen)[0], 200, seen);
    assert.equal(seen.match(/\r\n\r\nok/g)?.length, 2);
  });
});

describe('answers without a body (RFC 9112 §6.3)', () => {
  const answers: Readonly<Record<string, string>> = {
    '/head': 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n',
    '/chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    '/204': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/204-zero': 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    '/204-lie': 'HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n',
    '/empty': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    '/no-chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  const reply = (head: string): string => answers[head.split(' ')[1] ?? ''] ?? OK;

  test('HEAD, 204, 304 and lengths of 0: both connections carry the next request', async (t) => {
    const bench = await createLetterBench(t, reply);
    const client = await bench.open();
    let before = 0;
    const ask = async (line: string, wanted: RegExp): Promise<string> => {
      client.send(bench.head(`${line} HTTP/1.1`));
      const seen = await client.until(
        new RegExp(`^[^]{${before}}HTTP/1\\.1 (?:${wanted.source})$`),
      );
      const answer = seen.slice(before);
      before = seen.length;
      return answer;
    };
    const head = /200 OK\r\n[^]*\r\n\r\n/;
    assert.match(await ask('HEAD /x/head', head), /Content-Length: 1000\r\nETag: "a"\r\n/);
    assert.doesNotMatch(await ask('HEAD /x/chunked', head), /Content-Length/);
    await ask('GET /x/204', /204 No Content\r\n[^]*\r\n\r\n/);
    assert.match(await ask('GET /x/304', /304 Not Modified\r\n[^]*\r\n\r\n/), /ETag: "a"/);
    assert.match(await ask('GET /x/empty', head), /Content-Length: 0\r\n/);
    await ask('GET /x/no-chunks', /200 OK\r\n[^]*\r\n\r\n0\r\n\r\n/);
    assert.match(await ask('GET /x/last', /200 OK\r\n[^]*\r\n\r\nok/), /\r\n\r\nok$/);
    assert.equal(bench.upstream.received().length, 1, 'one connection to the upstream');
  });

  test('204 tells no length (RFC 9110 §8.6)', async (t) => {
    const bench = await createLetterBench(t, reply);
    for (const name of ['204', '204-zero', '204-lie']) {
      const seen = await bench.once(bench.head(`GET /x/${name} HTTP/1.1`, CLOSE));
      assert.doesNotMatch(seen, /content-length|transfer-encoding/i);
    }
  });

  test('a request with Content-Length: 0 keeps it, one without a body gets none', async (t) => {
    const bench = await createLetterBench(t, ok);
    await bench.once(bench.head('POST /x/1 HTTP/1.1', CLOSE, 'Content-Length: 0'));
    assert.match(bench.arrived(), /\r\nContent-Length: 0\r\n/i);
    await bench.once(bench.head('GET /x/second HTTP/1.1', CLOSE));
    assert.doesNotMatch(bench.arrived().split('GET ')[1] ?? 'content-length', /content-length/i);
  });
});

describe('methods, targets and status lines', () => {
  test('methods beyond the usual pass, in their own case', async (t) => {
    const bench = await createLetterBench(t, ok);
    const methods = ['PROPFIND', 'REPORT', 'PATCH', 'MKCALENDAR', 'QUERY', 'M-SEARCH', 'PURGE'];
    for (const method of methods) {
      const head = bench.head(`${method} /x/1 HTTP/1.1`, CLOSE, 'Content-Length: 3');
      assert.equal(statusOf(await bench.once(`${head}abc`)), 200, method);
      assert.ok(bench.arrived().includes(`${method} /1 HTTP/1.1\r\n`), method);
    }
  });

  test('a method that nobody has registered is refused, not taken for another', async (t) => {
    const bench = await createLetterBench(t, ok);
    for (const method of ['BREW', 'get', 'GETX'])
      assert.equal(statusOf(await bench.once(bench.head(`${method} /x/1 HTTP/1.1`))), 400, method);
    assert.equal(bench.upstream.requests(), 0);
  });

  test('OPTIONS * is about no API: it is refused', async (t) => {
    const bench = await createLetterBench(t, ok);
    const seen = await bench.once(bench.head('OPTIONS * HTTP/1.1'));
    assert.equal(codeOf(seen), 'ambiguous_target');
    assert.equal(bench.upstream.requests(), 0);
  });

  test('an empty reason phrase, an unknown status and Latin-1 pass as they are', async (t) => {
    const lines = ['200 ', '299 Very \xf6dd', '418 I am a teapot', '599 Beyond'];
    const bench = await createLetterBench(t, (head) => {
      const line = lines[Number(/^GET \/([0-9])/.exec(head)?.[1])];
      return `HTTP/1.1 ${line}\r\nContent-Length: 2\r\nX-Name: J\xf6rg\r\n\r\nok`;
    });
    for (const [at, line] of lines.entries()) {
      const seen = await bench.once(bench.head(`GET /x/${at} HTTP/1.1`, CLOSE));
      assert.ok(seen.startsWith(`HTTP/1.1 ${line}\r\n`), seen);
      assert.match(seen, /\r\nX-Name: J\xf6rg\r\n/);
    }
  });
});
