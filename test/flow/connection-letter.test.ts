import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { CLOSE, createLetterBench, OK, statusesOf, type LetterBench } from '../support/letter.ts';
import { codeOf, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const ok = (): string => OK;
const numbered = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const pathOf = (head: string): string => head.split(' ')[1] ?? '';

/** Waits until this many exchanges have ended in the audit. */
async function outcomes(bench: LetterBench, expected: number) {
  let found: readonly AuditRecord[] = [];
  await until(`${expected} exchanges have ended`, async () => {
    const records = await allRecords(bench.auditDir);
    found = records.filter(({ kind, api }) => kind === 'outcome' && api === 'x');
    return found.length >= expected;
  });
  return found;
}

describe('persistence (RFC 9112 §9.3)', () => {
  test('many requests, with and without bodies, on one connection to either side', async (t) => {
    const bench = await createLetterBench(t, (head) => numbered(`<${pathOf(head)}>`));
    const client = await bench.open();
    for (let at = 0; at < 50; at++) {
      const body = at % 2 === 0 ? '' : 'abc';
      const length = body === '' ? [] : ['Content-Length: 3'];
      client.send(bench.head(`${body === '' ? 'GET' : 'PUT'} /x/${at} HTTP/1.1`, ...length) + body);
      await client.until(new RegExp(`</${at}>$`));
    }
    assert.equal(statusesOf(client.seen()).length, 50);
    assert.equal(bench.upstream.received().length, 1);
  });

  test('Connection: close of the client is honoured: what follows is not served', async (t) => {
    const bench = await createLetterBench(t, (head) => numbered(`<${pathOf(head)}>`));
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.1', 'Connection: x, Close', 'X: 1'));
    await bench.arrives(/^GET \/1/);
    client.send(bench.head('GET /x/2 HTTP/1.1'));
    assert.match(await client.ended(), /\r\nConnection: close\r\n[^]*<\/1>$/);
    assert.equal(bench.upstream.requests(), 1);
    assert.doesNotMatch(bench.arrived(), /\r\n(?:connection|x):/i);
  });

  test('Connection: close of the upstream ends its connection, not the client’s', async (t) => {
    const bench = await createLetterBench(
      t,
      () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    );
    const client = await bench.open();
    for (let at = 1; at <= 3; at++) {
      client.send(bench.head('GET /x/1 HTTP/1.1'));
      await client.until(new RegExp(`^(?:[^]*?\\r\\n\\r\\nok){${at}}$`));
    }
    assert.doesNotMatch(client.seen(), /connection: close/i);
    assert.equal(bench.upstream.received().length, 3);
  });

  test('HTTP/1.0 ends with the answer, unless it asks to be kept and the length is known', async (t) => {
    const bench = await createLetterBench(t, (head) =>
      pathOf(head) === '/unknown'
        ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
        : OK,
    );
    const plain = await bench.once(bench.head('GET /x/1 HTTP/1.0'));
    assert.match(plain, /\r\nConnection: close\r\n[^]*\r\nok$/);
    const keep = 'Connection: keep-alive';
    const client = await bench.open();
    client.send(bench.head('GET /x/1 HTTP/1.0', keep));
    assert.match(await client.until(/\r\n\r\nok$/), /\r\nConnection: keep-alive\r\n/i);
    client.send(bench.head('GET /x/unknown HTTP/1.0', keep));
    const seen = await client.ended();
    assert.deepEqual(statusesOf(seen), [200, 200]);
    assert.match(seen, /\r\nConnection: close\r\n[^]*\r\nok$/);
    assert.doesNotMatch(bench.arrived(), /HTTP\/1\.0|connection/i);
  });

  test('an upstream that ends its side after the answer is not asked again', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => void socket.end(OK));
    const client = await bench.open();
    for (let at = 1; at <= 3; at++) {
      client.send(bench.head('POST /x/1 HTTP/1.1'));
      await client.until(new RegExp(`^(?:[^]*?\\r\\n\\r\\nok){${at}}$`));
      await sleep(20);
    }
    assert.deepEqual(statusesOf(client.seen()), [200, 200, 200]);
  });

  test('a client that ends its side counts as gone, and frees the upstream (DECISIONS 45)', async (t) => {
    const bench = await createLetterBench(t, () => {});
    const client = await bench.open();
    client.socket.end(bench.head('GET /x/1 HTTP/1.1'), 'latin1');
    assert.equal(await client.ended(), '');
    assert.deepEqual(
      (await outcomes(bench, 1)).map(({ closedBy }) => closedBy),
      ['client'],
    );
    await until('the upstream is free', () => bench.upstream.open() === 0);
  });
});

describe('an answer before the upload is read (RFC 9112 §9.5)', () => {
  const unfinished = (bench: LetterBench): string =>
    `${bench.head('POST /x/1 HTTP/1.1', 'Content-Length: 900000')}${'x'.repeat(100_000)}`;

  test('reaches the client at once, the exchange ends, and the rest goes nowhere', async (t) => {
    const bench = await createLetterBench(
      t,
      () => 'HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno',
    );
    const client = await bench.open();
    client.send(unfinished(bench));
    assert.equal(statusOf(await client.until(/\r\n\r\nno$/)), 409);
    assert.deepEqual(
      (await outcomes(bench, 1)).map(({ status }) => status),
      [409],
    );
    await until('the upstream is free', () => bench.upstream.open() === 0);
    const before = bench.arrived().length;
    client.send('x'.repeat(800_000) + bench.head('GET /x/2 HTTP/1.1', CLOSE));
    assert.deepEqual(statusesOf(await client.ended()), [409, 409], 'the connection serves on');
    assert.ok(bench.arrived().length < before + 1_000);
  });

  test('also from an upstream that hangs up at once, with unread bytes behind it', async (t) => {
    const bench = await createLetterBench(t, (_head, socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
      setTimeout(() => socket.destroy(), 5);
    });
    for (let at = 0; at < 10; at++) {
      const client = await bench.open();
      client.send(unfinished(bench));
      assert.equal(statusOf(await client.until(/\r\n\r\nno$/)), 413);
      client.socket.destroy();
    }
  });
});

describe('large heads', () => {
  const padded = (head: string, bytes: number): string =>
    head.replace(/\r\n\r\n$/, `\r\nX-Pad: ${'p'.repeat(bytes - head.length - 9)}\r\n\r\n`);

  test('a request head just below the limit passes whole, just above it is 431', async (t) => {
    const bench = await createLetterBench(t, ok);
    const below = padded(bench.head('GET /x/1 HTTP/1.1', CLOSE), 32 * 1024 - 200);
    assert.equal(below.length, 32 * 1024 - 200);
    assert.equal(statusOf(await bench.once(below)), 200);
    assert.match(bench.arrived(), /\r\nX-Pad: p{31000,}\r\n/);
    const above = padded(bench.head('GET /x/1 HTTP/1.1', CLOSE), 32 * 1024 + 200);
    assert.equal(statusOf(await bench.once(above)), 431);
    assert.equal(bench.upstream.requests(), 1);
  });

  test('900 fields all pass; above 1,000 it is 431, and none is lost in silence', async (t) => {
    const bench = await createLetterBench(t, ok);
    const fields = (count: number): string[] =>
      Array.from({ length: count }, (_, at) => `x${at}: ${at}`);
    const many = fields(900);
    const seen = await bench.once(bench.head('GET /x/1 HTTP/1.1', CLOSE, ...many));
    assert.equal(statusOf(seen), 200);
    for (const line of many) assert.ok(bench.arrived().includes(`\r\n${line}\r\n`), line);
    assert.equal(
      statusOf(await bench.once(bench.head('GET /x/1 HTTP/1.1', ...fields(1_100)))),
      431,
    );
    assert.equal(bench.upstream.requests(), 1);
  });

  test('an answer’s head just below the limit passes whole, just above it is 502', async (t) => {
    const bench = await createLetterBench(
      t,
      (head) =>
        padded(OK.slice(0, -2), 64 * 1024 + (pathOf(head) === '/below' ? -200 : 200)) + 'ok',
    );
    const below = await bench.once(bench.head('GET /x/below HTTP/1.1', CLOSE));
    assert.match(below, /\r\nX-Pad: p{65000,}\r\n[^]*\r\n\r\nok$/);
    assert.equal(
      codeOf(await bench.once(bench.head('GET /x/above HTTP/1.1', CLOSE))),
      'upstream_protocol',
    );
  });
});
