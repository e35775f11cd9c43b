import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { bodyOf, CLOSE, createLetterBench, OK, unchunk } from '../support/letter.ts';
import { statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString('latin1');

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** What one GET gets from an upstream that answers so. */
async function get(t: TestContext, answer: string, line = 'GET /x/1 HTTP/1.1'): Promise<string> {
  const bench = await createLetterBench(t, () => answer);
  return bench.once(bench.head(line, CLOSE));
}

describe('trailers (RFC 9110 §6.5)', () => {
  const GOOD = 'Server-Timing: db;dur=5\r\nX-Checksum: abc\r\n';
  const BAD = [
    'Host: evil',
    'Authorization: Bearer evil',
    'Set-Cookie: a=b',
    'Trailer: X-Checksum',
    'Connection: close',
    'Content-Type: text/html',
    'X-Latchkey-Code: scope',
    'X_Latchkey.Code: scope',
  ].join('\r\n');

  test('of a request: those that may pass do, in order', async (t) => {
    const bench = await createLetterBench(t, () => OK);
    const client = await bench.open();
    const head = bench.head(
      'POST /x/1 HTTP/1.1',
      'Trailer: X-Checksum',
      'Transfer-Encoding: chunked',
    );
    client.send(`${head}${chunk('hello')}0\r\n${GOOD}${BAD}\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n`);
    const { body, trailers } = unchunk(bodyOf(await bench.arrives(/\r\n0\r\n[^]*\r\n\r\n$/)));
    assert.equal(body, 'hello');
    assert.equal(trailers, `${GOOD}\r\n`);
  });

  test('of a request: framing in them is refused, and what came never passes for whole', async (t) => {
    const bench = await createLetterBench(t, () => undefined);
    for (const field of ['Content-Length: 99', 'Transfer-Encoding: chunked']) {
      const client = await bench.open();
      const head = bench.head('POST /x/1 HTTP/1.1', 'Transfer-Encoding: chunked');
      client.send(`${head}${chunk('hello')}0\r\n${field}\r\n\r\n`);
      assert.equal(statusOf(await client.ended()), 400);
      assert.doesNotMatch(bench.arrived(), /\r\n0\r\n/);
    }
  });

  test('of an answer: those that may pass do, in order', async (t) => {
    const end = `0\r\n${GOOD}${BAD}\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nX-Request-Id: evil\r\n\r\n`;
    const seen = await get(t, `${CHUNKED}Trailer: X-Checksum\r\n\r\n${chunk('hello')}${end}`);
    const { body, trailers } = unchunk(bodyOf(seen));
    assert.equal(body, 'hello');
    assert.equal(trailers, `${GOOD}\r\n`);
    assert.match(seen, /\r\nTrailer: X-Checksum\r\n/);
  });

  test('a client of HTTP/1.0 gets the body without chunks and without trailers', async (t) => {
    const answer = `${CHUNKED}\r\n${chunk('hel')}${chunk('lo')}0\r\n${GOOD}\r\n`;
    const seen = await get(t, answer, 'GET /x/1 HTTP/1.0');
    assert.equal(bodyOf(seen), 'hello');
    assert.doesNotMatch(seen, /transfer-encoding|x-checksum/i);
  });

  test('a Trailer field where there can be no trailers (RFC 9110 §6.6.2 only hints) does no harm', async (t) => {
    const announced = 'Trailer: X-Checksum\r\n';
    const chunks = `${CHUNKED}${announced}\r\n${chunk('hello')}0\r\n${GOOD}\r\n`;
    const answers: Readonly<Record<string, readonly [string, string]>> = {
      'GET /x/old HTTP/1.0': [chunks, 'hello'],
      'HEAD /x/head HTTP/1.1': [`${CHUNKED}${announced}\r\n`, ''],
      'GET /x/length HTTP/1.1': [
        `HTTP/1.1 200 OK\r\n${announced}Content-Length: 5\r\n\r\nhello`,
        'hello',
      ],
      'GET /x/304 HTTP/1.1': [`HTTP/1.1 304 Not Modified\r\n${announced}\r\n`, ''],
    };
    const bench = await createLetterBench(t, (head) => {
      const path = head.split(' ')[1];
      return Object.entries(answers).find(([line]) => line.includes(`/x${path} `))?.[1][0];
    });
    await Promise.all(
      Object.entries(answers).map(async ([line, [, body]]) => {
        const client = await bench.open();
        client.send(bench.head(line, CLOSE));
        assert.equal(bodyOf(await client.ended()), body, line);
      }),
    );
  });
});

describe('ranges (RFC 9110 §14)', () => {
  test('Range and If-Range reach the API; 206, multipart ranges and 416 come back byte for byte', async (t) => {
    const part = (from: number, text: string): string =>
      `--SEP\r\nContent-Type: text/plain\r\nContent-Range: bytes ${from}-${from + 1}/9\r\n\r\n${text}\r\n`;
    const parts = `${part(0, 'ab')}${part(4, '\r\n')}--SEP--\r\n`;
    const answers: Readonly<Record<string, string>> = {
      'bytes=0-1': 'Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab',
      'bytes=0-1,4-5': `Partial Content\r\nContent-Type: multipart/byteranges; boundary=SEP\r\nContent-Length: ${parts.length}\r\n\r\n${parts}`,
      'bytes=99-': 'Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n',
    };
    const bench = await createLetterBench(t, (head) => {
      const range = /\r\nRange: (.*)\r\nIf-Range: "v1"\r\n/.exec(head)?.[1] ?? '';
      return `HTTP/1.1 ${range === 'bytes=99-' ? 416 : 206} ${answers[range]}`;
    });
    for (const [range, answer] of Object.entries(answers)) {
      const head = bench.head('GET /x/1 HTTP/1.1', CLOSE, `Range: ${range}`, 'If-Range: "v1"');
      const seen = await bench.once(head);
      assert.equal(statusOf(seen), range === 'bytes=99-' ? 416 : 206);
      for (const field of answer.split('\r\n\r\n', 1)[0]?.split('\r\n').slice(1) ?? [])
        assert.ok(seen.includes(`\r\n${field}\r\n`), field);
      assert.equal(bodyOf(seen), bodyOf(answer));
    }
  });
});

describe('framing (RFC 9112 §6 and §7)', () => {
  test('a chunked request in many tiny chunks, with extensions, arrives whole and in chunks', async (t) => {
    const bench = await createLetterBench(t, () => undefined);
    const client = await bench.open();
    const bytes = ALL_BYTES.repeat(4);
    client.send(bench.head('POST /x/1 HTTP/1.1', 'Transfer-Encoding: chunked'));
    for (const [at, byte] of bytes.split('').entries()) client.send(`1;n=${at}\r\n${byte}\r\n`);
    client.send('000\r\n\r\n');
    const { body, trailers } = unchunk(bodyOf(await bench.arrives(/\r\n0\r\n\r\n$/)));
    assert.ok(body === bytes);
    assert.equal(trailers, '\r\n');
    assert.doesNotMatch(bench.arrived(), /content-length|n=/i);
  });

  test('a chunked request of no bytes is one', async (t) => {
    const bench = await createLetterBench(t, () => OK);
    const seen = await bench.once(
      `${bench.head('POST /x/1 HTTP/1.1', CLOSE, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    );
    assert.equal(statusOf(seen), 200);
    assert.equal(bodyOf(await bench.arrives(/\r\n0\r\n\r\n$/)), '0\r\n\r\n');
  });

  test('a chunked answer in many tiny chunks, cut anywhere, arrives whole', async (t) => {
    const framed = ALL_BYTES.repeat(4)
      .split('')
      .map((byte) => `001;q="a"\r\n${byte}\r\n`)
      .join('');
    const bench = await createLetterBench(t, (_head, socket) => {
      const all = `${CHUNKED}\r\n${framed}0\r\n\r\n`;
      let at = 0;
      const timer = setInterval(() => {
        socket.write(all.slice(at, (at += 997)), 'latin1');
        if (at >= all.length) clearInterval(timer);
      }, 3);
    });
    const seen = await bench.once(bench.head('GET /x/1 HTTP/1.1', CLOSE));
    assert.ok(unchunk(bodyOf(seen)).body === ALL_BYTES.repeat(4));
    assert.doesNotMatch(seen, /q="a"/);
  });

  test('an answer without a length ends with its connection: chunks to 1.1, the end to 1.0', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => {
      socket.end(`HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\n${ALL_BYTES}`, 'latin1');
    });
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1'));
    const seen = await client.until(/\r\n0\r\n\r\n$/);
    assert.ok(unchunk(bodyOf(seen)).body === ALL_BYTES);
    client.send(bench.head('GET /x/2 HTTP/1.1', CLOSE));
    await client.until(/^(?:[^]*HTTP\/1\.1 200 OK){2}[^]*\r\n0\r\n\r\n$/);
    const old = await bench.once(bench.head('GET /x/3 HTTP/1.0'));
    assert.ok(bodyOf(old) === ALL_BYTES);
  });

  for (const bytes of [1, 32 * 1024, 32 * 1024 + 1, 300_000])
    test(`${bytes} encoded bytes pass untouched both ways, whatever their framing`, async (t) => {
      const coded = gzipSync(randomBytes(bytes), { level: 0 }).toString('latin1');
      const coding = 'Content-Encoding: gzip';
      const bench = await createLetterBench(t, (head) => {
        // Of an upload it says nothing: an answer would end it early.
        if (head.startsWith('PUT')) return undefined;
        return head.startsWith('GET /chunked')
          ? `${CHUNKED}${coding}\r\n\r\n${chunk(coded)}0\r\n\r\n`
          : `HTTP/1.1 200 OK\r\n${coding}\r\nContent-Length: ${coded.length}\r\n\r\n${coded}`;
      });
      for (const path of ['chunked', 'length']) {
        const seen = await bench.once(
          bench.head(`GET /x/${path} HTTP/1.1`, CLOSE, 'Accept-Encoding: gzip'),
        );
        const body = path === 'chunked' ? unchunk(bodyOf(seen)).body : bodyOf(seen);
        assert.ok(body === coded);
        assert.equal(gunzipSync(Buffer.from(body, 'latin1')).length, bytes);
      }
      const from = bench.arrived().length;
      const length = `Content-Length: ${coded.length}`;
      const client = await bench.open();
      client.send(bench.head('PUT /x/1 HTTP/1.1', coding, length) + coded);
      const sent = (): string => bodyOf(bench.arrived().slice(from));
      await until('the whole body has arrived', () => sent().length >= coded.length);
      assert.ok(sent() === coded);
    });
});

test('each Set-Cookie stays a field of its own, in order, between the fields around it', async (t) => {
  const fields = [
    'Set-Cookie: a=1',
    'X-B: 1',
    'set-cookie: b=2; Path=/1',
    'X-B: 2',
    'SET-COOKIE: a=3',
  ];
  const seen = await get(
    t,
    `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`,
  );
  const names = seen.split('\r\n').filter((line) => /^(?:set-cookie|x-b):/i.test(line));
  assert.deepEqual(
    names.map((line) => line.replace('/x/1', '/1')),
    fields,
  );
});
