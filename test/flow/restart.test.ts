import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { createRawUpstream } from '../support/raw.ts';
import { startRelayProcess, type RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

// That SIGUSR2 replaces the workers of one relay without a failed request is in workers.test.ts.
const skip = process.platform !== 'linux' && 'other systems do not share a port out';

type Answer = { readonly kind: 'answer'; readonly status: number; readonly told: boolean };
type NoAnswer =
  /** The kept connection was closed before a byte of the answer (RFC 9112 §9.3.1). */
  | { readonly kind: 'stale' }
  /** No connection came to be, so nothing of the request was sent. */
  | { readonly kind: 'unsent' }
  /** The new connection was reset before a byte of the answer. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'failed'; readonly problem: string };

function notAnswered(request: http.ClientRequest, error: NodeJS.ErrnoException): NoAnswer {
  const isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  if (isReset && request.reusedSocket) return { kind: 'stale' };
  if (isReset) return { kind: error.syscall === 'connect' ? 'unsent' : 'reset' };
  return { kind: 'failed', problem: error.message };
}

function get(url: string, token: string, agent: http.Agent): Promise<Answer | NoAnswer> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent, headers: { authorization: `Bearer ${token}` } });
    const fail = (error: Error): void => resolve(notAnswered(request, error));
    request.setTimeout(60_000, () => request.destroy(new Error('no answer in time')));
    request.on('error', fail);
    request.on('response', (answer) => {
      const { statusCode: status = 0, headers } = answer;
      answer.on('error', ({ message }) => resolve({ kind: 'failed', problem: message }));
      answer.on('end', () =>
        resolve({ kind: 'answer', status, told: headers.connection === 'close' }),
      );
      answer.resume();
    });
  });
}

/** Clients that ask every few milliseconds, over one kept connection each or a new one each time. */
function traffic(t: TestContext, url: string, token: string, keepAlive: boolean) {
  const seen = { ok: 0, told: 0, stale: 0, unsent: 0, reset: 0, failed: [] as string[] };
  const stopped = new AbortController();
  t.after(() => stopped.abort());
  const loops = Array.from({ length: 4 }, async () => {
    const agent = new http.Agent({ keepAlive, maxSockets: 1 });
    while (!stopped.signal.aborted) {
      const result = await get(`${url}/x/a`, token, agent);
      if (result.kind === 'failed') seen.failed.push(result.problem);
      else if (result.kind !== 'answer') seen[result.kind] += 1;
      else if (result.status !== 200) seen.failed.push(`status ${result.status}`);
      else {
        seen.ok += 1;
        if (result.told) seen.told += 1;
      }
      await sleep(10);
    }
    agent.destroy();
  });
  return {
    seen,
    async stop() {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}

/** Whether the kernel gives what a closed listener had not accepted to the other one (Linux 5.14). */
function isMigrating(): boolean {
  return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'latin1').trim() === '1';
}

/** The audit's records, after a look whether it verifies. */
async function verified(relay: RelayProcess) {
  const { ok, faults } = await verifyLedger(relay.auditDir);
  assert.deepEqual([ok, faults], [true, []]);
  return await allRecords(relay.auditDir);
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n';

function switching(bytes: string): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(bytes)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`;
}

/** Answers `/slow` after 1.2 s, `/events` without end, WebSockets with silence, and all else at once. */
const createUpstream = () =>
  createRawUpstream((socket, bytes) => {
    if (/^upgrade: websocket\r$/im.test(bytes)) socket.write(switching(bytes));
    else if (bytes.startsWith('GET /events')) socket.write(EVENTS);
    else setTimeout(() => socket.write(OK), bytes.startsWith('GET /slow') ? 1_200 : 0);
  });

test(
  'SIGTERM: not ready first, then no new connections, then what is under way is given its time',
  { skip },
  async (t) => {
    const relay = await startRelayProcess(t, {
      // Long, since several steps must fit into each on a machine that stops now and then.
      top: 'drain: { delay: 10s, timeout: 10s }',
      upstream: await createUpstream(),
    });
    const token = await relay.token();
    const headers = { authorization: `Bearer ${token}` };
    const agents = [1, 2].map(() => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    const [asking, idle] = agents as [http.Agent, http.Agent];
    t.after(() => agents.forEach((agent) => agent.destroy()));
    const ask = (agent: http.Agent) => get(`${relay.url}/x/a`, token, agent);
    const kept: Answer = { kind: 'answer', status: 200, told: false };
    assert.deepEqual([await ask(asking), await ask(idle)], [kept, kept]);

    const slow = get(`${relay.url}/x/slow`, token, new http.Agent());
    const [events] = (await once(
      http.get(`${relay.url}/x/events`, { agent: false, headers }),
      'response',
    )) as [IncomingMessage];
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/x/socket`, { headers });
    await once(socket, 'open');
    const startedMs = performance.now();
    const closed = (emitter: EventEmitter) =>
      new Promise<{ readonly code: unknown; readonly ms: number }>((resolve) => {
        emitter.on('error', () => {});
        emitter.on('close', (code) => resolve({ code, ms: performance.now() - startedMs }));
      });
    const ends = [closed(events.resume()), closed(socket)];
    await until('all are under way', () => relay.upstream.requests() === 5);

    relay.child.kill('SIGTERM');
    const ready = async () => (await fetch(`${relay.management}/readyz`)).status;
    await until('not ready', async () => (await ready()) === 503);
    assert.deepEqual(await ask(asking), { ...kept, told: true }, 'served, and told to go');
    assert.deepEqual(await ask(new http.Agent({ keepAlive: true })), { ...kept, told: true });
    const { hostname, port } = new URL(relay.url);
    const isRefused = () =>
      new Promise<boolean>((resolve) => {
        const probe = connect(Number(port), hostname, () => probe.destroy());
        probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
        probe.on('close', () => resolve(false));
      });
    assert.equal(await isRefused(), false);
    await until('refused', isRefused);
    assert.deepEqual([socket.readyState, events.closed], [WebSocket.OPEN, false]);
    // The client hears of it a moment later than of the listener.
    await until('what is idle is closed', () => Object.values(idle.freeSockets).length === 0);
    assert.deepEqual([socket.readyState, events.closed], [WebSocket.OPEN, false]);
    const answer = await slow;
    assert.equal(answer.kind === 'answer' && answer.status, 200);

    const ended = await Promise.all(ends);
    assert.deepEqual([events.complete, ended[1]?.code], [false, 1001]);
    for (const { ms } of ended) assert.ok(ms >= 19_900, `ended after ${ms} ms`);
    if (relay.child.exitCode === null) await once(relay.child, 'exit');
    assert.equal(relay.child.exitCode, 0);
    const records = await verified(relay);
    const outcomes = records
      .filter(({ kind }) => kind === 'outcome')
      .map(({ status, closedBy }) => `${status} ${closedBy}`);
    const whole = Array.from({ length: 5 }, () => '200 upstream');
    assert.deepEqual(outcomes.toSorted(), ['101 drain', '200 drain', ...whole]);
    assert.equal(records.at(-1)?.kind, 'stop');
  },
);

test(
  'one relay takes over from another on the same port, and no request fails',
  { skip },
  async (t) => {
    const top = 'reusePort: true\ndrain: { delay: 500ms, timeout: 60s }';
    const first = await startRelayProcess(t, { top });
    const token = await first.token();
    const loads = [true, false].map((keepAlive) => traffic(t, first.url, token, keepAlive));
    // From one process to a primary with workers, and back.
    const relays = [first];
    for (const workers of [2, 1]) {
      const next = await startRelayProcess(t, {
        top: `${top}\nworkers: ${workers}`,
        beside: first,
      });
      await sleep(100);
      assert.equal(await relays.at(-1)?.stop(), 0);
      relays.push(next);
      await sleep(100);
    }
    await Promise.all(loads.map((load) => load.stop()));
    assert.equal(await relays.at(-1)?.stop(), 0);
    const [kept, fresh] = loads.map(({ seen }) => seen);
    t.diagnostic(`kept ${JSON.stringify(kept)}, new each time ${JSON.stringify(fresh)}`);
    assert.deepEqual([kept?.failed, fresh?.failed], [[], []]);
    // Closing a listener may reset a connection all the same: in parting.test.ts it is counted how often.
    assert.ok((kept?.reset ?? 0) + (fresh?.reset ?? 0) <= (isMigrating() ? 0 : 8));

    const records = (await Promise.all(relays.map(verified))).flat();
    const ended = records.filter(({ kind }) => kind === 'outcome');
    const recorded = new Set(ended.map(({ requestId }) => requestId));
    const ids = [
      ...first.upstream
        .received()
        .join('\n')
        .matchAll(/^x-request-id: (.*)\r$/gim),
    ];
    assert.deepEqual(
      ids.filter(([, id]) => !recorded.has(id)),
      [],
      'what the upstream saw is in an audit',
    );
    assert.ok(ids.length >= (kept?.ok ?? 0) + (fresh?.ok ?? 0));
    assert.equal(records.filter(({ kind }) => kind === 'interrupted').length, 0);
  },
);
