import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, settledRecords } from '../audit/ledger-dir.ts';
import { writeKeyPair } from '../support/operator.ts';
import { createProofKey, proof } from '../support/dpop.ts';
import { makeSigningKey } from '../support/issuer.ts';
import { openRaw } from '../support/letter.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { loadWith, startRelayProcess, type RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

const skip = process.platform === 'win32' && 'there are no such signals';
const WORKERS = 'workers: 2';

const bearer = (token: string): readonly string[] => [`Authorization: Bearer ${token}`];

/** One request on a connection of its own; consecutive ones go to workers in turn. */
async function ask(relay: RelayProcess, fields: readonly string[], path = '/x/a'): Promise<string> {
  const { host } = new URL(relay.url);
  const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...fields];
  return await sendRaw(relay.url, [...head, '', ''].join('\r\n'), {
    quietMs: 150,
    timeoutMs: 60_000,
  });
}

/** The ids that the upstream saw. */
function seen(relay: RelayProcess): string[] {
  const all = relay.upstream.received().join('\n');
  return [...all.matchAll(/^x-request-id: (.*)\r$/gim)].map(([, id]) => id as string);
}

async function edit(relay: RelayProcess, change: (text: string) => string): Promise<void> {
  const text = await readFile(relay.configFile, 'utf8');
  await writeFile(`${relay.configFile}.new`, change(text));
  await rename(`${relay.configFile}.new`, relay.configFile);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until so many answers are in the metrics: they are counted a moment after their end. */
async function allCounted(relay: RelayProcess, answers: number | undefined): Promise<void> {
  const total = 'latchkey_requests_total{api="x",decision="allow",code="none",status="200"}';
  await until(`${answers} are counted`, async () => (await relay.metrics()).get(total) === answers);
}

test('connections are shared out evenly, and both workers serve', { skip }, async (t) => {
  const relay = await startRelayProcess(t, { top: WORKERS });
  assert.equal(relay.named('listening')[0]?.['workers'], 2);
  const token = await relay.token();
  const load = loadWith(t, relay.url, () => bearer(token), { clients: 8 });
  await until('requests', () => relay.upstream.requests() > 100);
  let metrics = await relay.metrics();
  const connections = () =>
    [1, 2].map((worker) => metrics.get(`latchkey_worker_connections{worker="${worker}"}`) ?? 0);
  await until('all clients are connected', async () => {
    metrics = await relay.metrics();
    return connections().reduce((sum, count) => sum + count) === 8;
  });
  const { statuses, failures } = await load.stop();
  assert.deepEqual(connections(), [4, 4]);
  assert.deepEqual([[...statuses.keys()], failures], [[200], []]);
  await allCounted(relay, statuses.get(200));
  for (const worker of ['1', '2', 'primary'])
    assert.ok(metrics.get(`process_resident_memory_bytes{worker="${worker}"}`), worker);
});

test(
  'SIGKILL of a worker under load: each request that the upstream saw has its record',
  {
    skip,
  },
  async (t) => {
    const upstream = await createRawUpstream((socket, bytes) => {
      if (!bytes.startsWith('GET /held'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const relay = await startRelayProcess(t, { top: WORKERS, upstream });
    const token = await relay.token();
    // One in each worker, so that there is always something under way.
    const held = [1, 2].map(() => ask(relay, bearer(token), '/x/held'));
    await until('one is held in each', () => upstream.requests() === 2);
    const load = loadWith(t, relay.url, () => bearer(token));
    for (let round = 0; round < 3; round++) {
      const before = relay.upstream.requests();
      await until('requests', () => relay.upstream.requests() > before + 50);
      const count = relay.named('worker_ready').length;
      process.kill(relay.workers()[round % 2] as number, 'SIGKILL');
      await until('a new worker', () => relay.named('worker_ready').length > count);
    }
    const { statuses } = await load.stop();
    assert.deepEqual([...statuses.keys()], [200]);
    assert.deepEqual(await Promise.all(held), ['', '']);
    assert.equal(relay.named('worker_died').length, 3);
    const { checks } = (await (await fetch(`${relay.management}/readyz`)).json()) as {
      checks: { name: string; ok: boolean; detail?: string }[];
    };
    assert.deepEqual(
      checks.find(({ name }) => name === 'workers'),
      { name: 'workers', ok: true, detail: '2 of 2' },
    );
    const records = await settledRecords(relay.auditDir);
    const of = (kind: string) =>
      records.filter((record) => record.kind === kind).map(({ requestId }) => requestId);
    const requests = new Set(of('request'));
    for (const id of seen(relay)) assert.ok(requests.has(id), `${id} has no record`);
    const ended = [...of('outcome'), ...of('interrupted')];
    assert.equal(new Set(ended).size, ended.length, 'each request ends once');
    assert.deepEqual(new Set(ended), requests);
    assert.ok(of('interrupted').length > 0, 'what was under way is marked');
    assert.equal(await relay.stop(), 0);
    assert.equal((await verifyLedger(relay.auditDir)).ok, true);
  },
);

test('workers end with the primary', { skip }, async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  });
  const relay = await startRelayProcess(t, { top: WORKERS, upstream });
  const pids = relay.workers();
  assert.equal(pids.length, 2);
  const token = await relay.token();
  const { host } = new URL(relay.url);
  const head = ['GET /x/stream HTTP/1.1', `Host: ${host}`, ...bearer(token), '', ''].join('\r\n');
  const streams = await Promise.all([1, 2].map(() => openRaw(relay.url)));
  t.after(() => streams.forEach(({ socket }) => socket.destroy()));
  for (const stream of streams) stream.send(head);
  for (const stream of streams) await stream.until(/^HTTP\/1\.1 200 [^]*a\r\n$/);
  await relay.stop('SIGKILL');
  await until('no worker', () => !pids.some(isAlive));
  for (const stream of streams) await stream.ended();
});

test('a DPoP proof that one worker accepted is refused by the other', { skip }, async (t) => {
  const relay = await startRelayProcess(t, { top: WORKERS });
  const key = await createProofKey();
  const token = await relay.token({ cnf: { jkt: key.jkt } });
  for (let round = 0; round < 4; round++) {
    const shown = await proof({ key, token, url: `${relay.url}/x/a` });
    const fields = [`Authorization: DPoP ${token}`, `DPoP: ${shown}`];
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(relay, fields)));
    const statuses = answers.map(statusOf).toSorted((one, other) => one - other);
    assert.deepEqual(statuses, [200, 401, 401, 401]);
  }
});

test(
  'an id that a client sends again names no second request, whichever worker it meets',
  {
    skip,
  },
  async (t) => {
    const relay = await startRelayProcess(t, { top: WORKERS });
    const token = await relay.token();
    const fields = [...bearer(token), 'X-Request-Id: 01ARZ3NDEKTSV4RRFFQ69G5FAV'];
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(relay, fields)));
    const answered = answers.map((answer) => /^x-request-id: (.*)\r$/im.exec(answer)?.[1]);
    assert.equal(new Set(answered).size, 4);
    assert.ok(answered.includes('01ARZ3NDEKTSV4RRFFQ69G5FAV'));
    assert.deepEqual(new Set(seen(relay)), new Set(answered));
    const recorded = (await allRecords(relay.auditDir)).filter(({ kind }) => kind === 'request');
    assert.deepEqual(new Set(recorded.map(({ requestId }) => requestId)), new Set(answered));
  },
);

test('a revocation is in force in every worker when it is answered', { skip }, async (t) => {
  const relay = await startRelayProcess(t, { top: WORKERS });
  for (let round = 0; round < 5; round++) {
    const sub = `user-${round}`;
    const token = await relay.token({ sub });
    const statuses = async () => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => ask(relay, bearer(token))));
      return answers.map(statusOf);
    };
    assert.deepEqual(await statuses(), [200, 200, 200, 200]);
    const answer = await fetch(`${relay.management}/revocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sub }),
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(await statuses(), [401, 401, 401, 401]);
  }
  // A worker that begins later knows as well.
  const token = await relay.token({ sub: 'user-0' });
  relay.child.kill('SIGUSR2');
  await until('replaced', () => relay.named('workers_replaced').length === 1);
  assert.equal(statusOf(await ask(relay, bearer(token))), 401);
});

test('a revocation cuts the streams of every worker', { skip }, async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  });
  const relay = await startRelayProcess(t, { top: WORKERS, upstream });
  const token = await relay.token();
  const headers = { authorization: `Bearer ${token}` };
  const begun = await Promise.all(
    [1, 2, 3, 4].map(() => fetch(`${relay.url}/x/stream`, { headers })),
  );
  const streams = begun.map((answer) => answer.text().catch(() => 'cut'));
  const answer = await fetch(`${relay.management}/revocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: 'user-1' }),
  });
  assert.equal(((await answer.json()) as { streamsCut: number }).streamsCut, 4);
  assert.deepEqual(await Promise.all(streams), ['cut', 'cut', 'cut', 'cut']);
});

test('a reload takes effect in all workers or in none', { skip }, async (t) => {
  const relay = await startRelayProcess(t, { top: WORKERS });
  const token = await relay.token();
  const load = loadWith(t, relay.url, () => bearer(token));
  const reload = () =>
    fetch(`${relay.management}/reload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
  const both = async (path: string) =>
    (await Promise.all([1, 2, 3, 4].map(() => ask(relay, bearer(token), path)))).map(statusOf);
  for (let round = 0; round < 4; round++) {
    const [from, to] = [`path: /y${round}`, `path: /y${round + 1}`];
    const api = `  y:\n    ${to}\n    upstream: ['${relay.upstream.url}']\n    rules: [{ name: any, allow: { scopes: [read] } }]\n`;
    await edit(relay, (text) =>
      round === 0 ? text.replace('audit: {', `${api}audit: {`) : text.replace(from, to),
    );
    assert.equal((await reload()).status, 200);
    assert.deepEqual(await both(`/y${round + 1}/a`), [200, 200, 200, 200]);
    if (round > 0) assert.deepEqual(await both(`/y${round}/a`), [404, 404, 404, 404]);
  }
  await edit(relay, (text) => text.replace('path: /x', 'path: /.latchkey'));
  assert.equal((await reload()).status, 422);
  assert.deepEqual(await both('/x/a'), [200, 200, 200, 200]);
  const { statuses, failures } = await load.stop();
  assert.deepEqual([[...statuses.keys()], failures], [[200], []]);
  const records = (await allRecords(relay.auditDir)).filter(({ kind }) => kind === 'config');
  assert.equal(records.length, 5, 'one record a configuration, not one a worker');
});

test(
  'a flood of unknown keys asks the issuer no more often than one process would',
  {
    skip,
  },
  async (t) => {
    const relay = await startRelayProcess(t, { top: WORKERS });
    const before = relay.issuer.counts.jwks;
    const stranger = await makeSigningKey('ES256', 'unknown');
    const tokens = await Promise.all(
      Array.from({ length: 40 }, () => relay.issuer.mint({ scope: 'read' }, { key: stranger })),
    );
    const answers = await Promise.all(tokens.map((token) => ask(relay, bearer(token))));
    assert.deepEqual([...new Set(answers.map(statusOf))], [401]);
    assert.equal(relay.issuer.counts.jwks - before, 1);
  },
);

test('SIGTERM lets every worker finish what it has, and ends with 0', { skip }, async (t) => {
  const upstream = await createRawUpstream((socket) => {
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow'), 800);
  });
  const relay = await startRelayProcess(t, { top: WORKERS, upstream });
  const token = await relay.token();
  const answers = Promise.all(
    [1, 2, 3, 4].map(() =>
      fetch(`${relay.url}/x/slow`, { headers: { authorization: `Bearer ${token}` } }).then(
        (answer) => answer.text(),
      ),
    ),
  );
  await until('four requests', () => relay.upstream.requests() === 4);
  const code = await relay.stop();
  assert.deepEqual(await answers, ['slow', 'slow', 'slow', 'slow']);
  assert.equal(code, 0);
  const records = await allRecords(relay.auditDir);
  assert.equal(records.filter(({ kind }) => kind === 'outcome').length, 4);
  assert.equal(records.at(-1)?.kind, 'stop');
});

test('SIGUSR2 replaces every worker without a failed request', { skip }, async (t) => {
  const relay = await startRelayProcess(t, { top: WORKERS });
  const token = await relay.token();
  const loads = [true, false].map((keepAlive) =>
    loadWith(t, relay.url, () => bearer(token), { keepAlive, clients: 4 }),
  );
  const before = relay.workers();
  for (let round = 1; round <= 2; round++) {
    relay.child.kill('SIGUSR2');
    await until('replaced', () => relay.named('workers_replaced').length === round);
  }
  const results = await Promise.all(loads.map((load) => load.stop()));
  for (const { statuses, failures } of results)
    assert.deepEqual([[...statuses.keys()], failures], [[200], []]);
  assert.deepEqual(before.filter(isAlive), []);
  const total = results.reduce((sum, { statuses }) => sum + (statuses.get(200) ?? 0), 0);
  // Counts outlive their workers.
  await allCounted(relay, total);
  assert.equal(await relay.stop(), 0);
  assert.equal((await verifyLedger(relay.auditDir)).ok, true);
});

test('a Unix socket is served by all workers', { skip }, async (t) => {
  const path = `/tmp/latchkey-workers-${process.pid}.sock`;
  const relay = await startRelayProcess(t, {
    top: `${WORKERS}\npublicUrl: https://relay.test`,
    listen: `unix:${path}`,
  });
  assert.equal(relay.url, `unix:${path}`);
  const { request } = await import('node:http');
  const token = await relay.token();
  const statuses = await Promise.all(
    [1, 2, 3, 4].map(
      () =>
        new Promise<number | undefined>((resolve, reject) => {
          const headers = { host: 'relay.test', authorization: `Bearer ${token}` };
          request({ socketPath: path, path: '/x/a', headers }, (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          })
            .on('error', reject)
            .end();
        }),
    ),
  );
  assert.deepEqual(statuses, [200, 200, 200, 200]);
  assert.equal(await relay.stop(), 0);
});

test(
  'TLS, slow heads and too many connections are dealt with as in one process',
  { skip },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'latchkey-tls-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const files = [join(dir, 'relay.crt'), join(dir, 'relay.key')] as const;
    writeKeyPair(...files);
    await chmod(files[1], 0o600);
    const relay = await startRelayProcess(t, {
      top: [
        WORKERS,
        `tls: { certFile: ${files[0]}, keyFile: ${files[1]} }`,
        // Time enough for all of them to connect.
        'limits: { connections: 4, headersTimeout: 10s }',
      ].join('\n'),
    });
    const { hostname, port } = new URL(relay.url);
    const token = await relay.token();
    const open = async () => {
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
      const heard = { text: '', ended: false };
      socket.on('data', (chunk: Buffer) => (heard.text += chunk.toString()));
      socket.on('error', () => {});
      socket.on('close', () => (heard.ended = true));
      await new Promise((resolve) => socket.on('secureConnect', resolve).on('close', resolve));
      return { socket, heard };
    };
    const sockets = await Promise.all([1, 2, 3, 4].map(open));
    const beyond = await open();
    assert.equal(beyond.heard.ended, true, 'closed at once');
    for (const { socket } of sockets.slice(0, 2))
      socket.write(
        `GET /x/a HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
    for (const { socket } of sockets.slice(2)) socket.write('GET /x/a HTTP/1.1\r\nHost: a');
    await until('four answers', () => sockets.every(({ heard }) => heard.text !== ''));
    assert.deepEqual(
      sockets.map(({ heard }) => statusOf(heard.text)),
      [200, 200, 408, 408],
    );
    for (const { socket } of sockets) socket.destroy();
    await until('room again', async () => !(await open()).heard.ended);
  },
);

test('a relay that cannot start its listener ends with the reason', { skip }, async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(
    startRelayProcess(t, { top: WORKERS, listen: `127.0.0.1:${port}` }),
    /EADDRINUSE/,
  );
});
