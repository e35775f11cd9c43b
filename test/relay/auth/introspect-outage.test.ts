import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type IntrospectorDeps, createIntrospector } from '../../../relay/auth/introspect.ts';
import type { IntrospectionEvent, Introspector } from '../../../relay/auth/introspect.ts';
import type { IntrospectionConfig } from '../../../relay/config/config.ts';
import { RelayError } from '../../../relay/errors.ts';
import {
  type IntrospectionIssuer,
  activeAnswer,
  createIntrospectionIssuer,
  sendJson,
} from '../../support/introspection-issuer.ts';
import { type TestClock, createTestClock } from '../../support/verifier.ts';
import { until } from '../../support/until.ts';

interface Bench {
  readonly issuer: IntrospectionIssuer;
  readonly introspector: Introspector;
  readonly clock: TestClock;
  readonly events: readonly IntrospectionEvent[];
  /** The principal's user, or the refusal's code. */
  readonly ask: (token: string) => Promise<string>;
}

async function createBench(
  t: TestContext,
  deps: Partial<IntrospectorDeps> = {},
  introspection: Partial<IntrospectionConfig> = { timeoutMs: 10_000 },
): Promise<Bench> {
  const issuer = await createIntrospectionIssuer(t);
  const clock = createTestClock();
  const events: IntrospectionEvent[] = [];
  const introspector = createIntrospector(issuer.config({}, introspection), {
    now: clock.now,
    fetch,
    log: (event) => events.push(event),
    // Wide apart, so that a probe comes only where a test waits for it.
    breaker: { threshold: 5, retryMinMs: 200, retryMaxMs: 200 },
    ...deps,
  });
  t.after(() => introspector.close());
  async function ask(token: string): Promise<string> {
    const hash = createHash('sha256').update(token).digest('hex');
    try {
      return (await introspector.introspect(token, hash)).principal.user;
    } catch (error) {
      assert.ok(error instanceof RelayError, String(error));
      if (error.status === 503) assert.equal(error.headers['Retry-After'], '5');
      return error.code;
    }
  }
  return { issuer, introspector, clock, events, ask };
}

type Answering = Parameters<IntrospectionIssuer['answer']>[0];
const html = (status: number): Answering => {
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sorry</h1>');
};
const json = (text: string, type = 'application/json'): Answering => {
  return (_, response) => response.writeHead(200, { 'content-type': type }).end(text);
};
const good = JSON.stringify(activeAnswer());

const unusable: readonly (readonly [string, Answering, RegExp])[] = [
  ['500', html(500), /answered 500/],
  ['503', html(503), /answered 503/],
  ['429', html(429), /answered 429/],
  ['HTML with 200', html(200), /application\/json/],
  ['a redirect', (_, r) => r.writeHead(307, { location: '/introspect' }).end(), /answered 307/],
  ['201', (_, r) => sendJson(r, activeAnswer(), 201), /answered 201/],
  ['no content type', (_, r) => r.writeHead(200).end(good), /application\/json/],
  ['a signed answer', json('e.e.e', 'application/token-introspection+jwt'), /application\/json/],
  ['no JSON', json('{"active":'), /not JSON/],
  ['a list', json('[{"active":true}]'), /not a JSON object/],
  ['active as text', json('{"active":"true","sub":"x"}'), /no boolean `active`/],
  ['no active', json('{"sub":"x"}'), /no boolean `active`/],
  ['active twice', json('{"active":false,"active":true}'), /occurs twice/],
  ['too much', json(`{"active":true,"x":"${'x'.repeat(70_000)}"}`), /more than 65536 bytes/],
  ['nothing in time', () => undefined, /not within 4000 ms/],
  [
    'half an answer',
    (_, r) => {
      r.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      r.write('{"active":true', () => r.destroy());
    },
    /gave no answer/,
  ],
  [
    'an answer that never ends',
    (_, r) => {
      r.writeHead(200, { 'content-type': 'application/json' }).write('{');
    },
    /not within 4000 ms/,
  ],
];

for (const [name, answering, problem] of unusable)
  void test(`an issuer that answers with ${name} is 503, and nothing of it is remembered`, async (t) => {
    const timeoutMs = problem.test('not within 4000 ms') ? 4_000 : 10_000;
    const { issuer, introspector, events, ask } = await createBench(t, {}, { timeoutMs });
    issuer.answer(answering);
    assert.equal(await ask('token'), 'issuer_unavailable');
    assert.match(introspector.state().problem ?? '', problem);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['issuer_problem'],
    );
    issuer.answer(undefined);
    issuer.say('token', activeAnswer());
    // Where the time-out is short, a busy machine may miss it once more.
    await until('the token is answered', async () => (await ask('token')) === 'user-1');
    assert.equal(introspector.state().problem, undefined);
    assert.equal(events.at(-1)?.event, 'issuer_recovered');
  });

void test("an issuer that refuses the relay's own credentials raises an alert, and tokens stay as they are", async (t) => {
  for (const status of [401, 403]) {
    const { issuer, introspector, events, ask } = await createBench(t);
    issuer.answer((_, response) => sendJson(response, { error: 'invalid_client' }, status));
    assert.equal(await ask('token'), 'issuer_unavailable');
    assert.equal(await ask('token'), 'issuer_unavailable');
    assert.deepEqual(
      events.map(({ event }) => event),
      ['introspection_rejected'],
    );
    const problem = introspector.state().problem ?? '';
    assert.match(problem, /check introspection.clientId/);
    assert.doesNotMatch(JSON.stringify(events), /s3cret|czNjcmV0|token-|invalid_client/);
  }
});

void test('a token that the issuer cannot read is 503 for its bearer and keeps nobody else out', async (t) => {
  const { issuer, introspector, events, ask } = await createBench(t);
  issuer.answer((_, response, { token }) => {
    if (token.startsWith('x')) sendJson(response, { error: 'invalid_request' }, 400);
    else sendJson(response, activeAnswer());
  });
  for (let index = 0; index < 20; index += 1)
    assert.equal(await ask(`x${index}`), 'issuer_unavailable');
  assert.equal(await ask('good'), 'user-1');
  assert.equal(introspector.state().ready, true);
  assert.deepEqual(events, []);
});

void test('after five failures in a row the issuer is left alone until a probe succeeds', async (t) => {
  const { issuer, introspector, ask } = await createBench(t);
  issuer.say('kept', activeAnswer());
  assert.equal(await ask('kept'), 'user-1');
  issuer.answer(html(500));
  for (let index = 0; index < 4; index += 1)
    assert.equal(await ask(`t${index}`), 'issuer_unavailable');
  assert.equal(introspector.state().ready, true, 'four failures are not yet an outage');
  assert.equal(await ask('t4'), 'issuer_unavailable');
  await until('a probe has failed too', () => !introspector.state().ready);

  const before = issuer.asked.filter(({ token }) => token.startsWith('t')).length;
  const many = await Promise.all(Array.from({ length: 200 }, (_, index) => ask(`t${index}`)));
  assert.ok(many.every((code) => code === 'issuer_unavailable'));
  assert.equal(issuer.asked.filter(({ token }) => token.startsWith('t')).length, before);
  assert.equal(await ask('kept'), 'user-1', 'what is known goes on to serve');

  issuer.answer(undefined);
  issuer.say('t0', activeAnswer());
  await until('introspection is ready', () => introspector.state().ready);
  assert.match(issuer.asked.at(-1)?.token ?? '', /^latchkey-probe-/, 'no token of a caller probes');
  assert.equal(await ask('t0'), 'user-1');
});

void test('while the issuer is down a known token serves within its time and not beyond', async (t) => {
  const { issuer, clock, ask } = await createBench(t);
  issuer.say('kept', activeAnswer());
  assert.equal(await ask('kept'), 'user-1');
  issuer.down();
  clock.advance(29_000);
  assert.equal(await ask('kept'), 'user-1');
  clock.advance(2_000);
  assert.equal(await ask('kept'), 'issuer_unavailable');
});

void test('attack: tokens that the issuer fails on, however many, take the issuer away from nobody', async (t) => {
  const { issuer, introspector, ask } = await createBench(t);
  issuer.answer((_, response, { token }) => {
    if (token.startsWith('bad')) response.writeHead(500).end();
    else sendJson(response, activeAnswer());
  });
  assert.equal(await ask('good'), 'user-1');
  for (let round = 0; round < 8; round += 1) {
    const bad = Array.from({ length: 6 }, (_, index) => ask(`bad${round}-${index}`));
    assert.deepEqual(new Set(await Promise.all(bad)), new Set(['issuer_unavailable']));
    assert.equal(introspector.state().ready, true);
    assert.equal(await ask(`good${round}`), 'user-1');
  }
});

void test('successes between failures keep the way open', async (t) => {
  const { issuer, introspector, ask } = await createBench(t);
  issuer.answer((_, response, { token }) => {
    if (token.startsWith('bad')) response.writeHead(500).end();
    else sendJson(response, activeAnswer());
  });
  for (let index = 0; index < 30; index += 1)
    await ask(index % 3 === 0 ? `good${index}` : `bad${index}`);
  assert.equal(introspector.state().ready, true);
});

void test('probes go on with longer and longer pauses until the issuer is back, without any traffic', async (t) => {
  const { issuer, introspector, ask } = await createBench(t, {
    random: () => 0.5,
    breaker: { threshold: 1, retryMinMs: 30, retryMaxMs: 100 },
  });
  const atMs: number[] = [];
  issuer.answer((_, response) => {
    atMs.push(performance.now());
    response.writeHead(502).end();
  });
  assert.equal(await ask('token'), 'issuer_unavailable');
  await until('the issuer is asked six times', () => atMs.length >= 6);
  // After the token, and the probe that follows at once, 30, 60, 100, 100 ms: only lower bounds, since timers are
  // never early and often late.
  const probesMs = atMs.slice(1);
  const pauses = probesMs.slice(1).map((at, index) => at - (probesMs[index] ?? 0));
  for (const [index, leastMs] of [28, 56, 95, 95].entries())
    assert.ok((pauses[index] ?? 0) >= leastMs, `pause ${index}: ${pauses[index]}`);
  issuer.answer(undefined);
  await until('introspection is ready', () => introspector.state().ready);
});

void test('an issuer that is down at start is reported, and found when it is back', async (t) => {
  const quick = { breaker: { retryMinMs: 20, retryMaxMs: 40 } };
  for (const explicit of [false, true]) {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      holder.once('listening', resolve);
    });
    const { port } = holder.address() as AddressInfo;
    await new Promise((resolve) => {
      holder.close(resolve);
    });
    const { issuer, introspector, events, ask } = await createBench(t, quick, {
      timeoutMs: 10_000,
      ...(explicit ? { endpoint: `http://127.0.0.1:${port}/introspect` } : {}),
    });
    if (!explicit) issuer.down();
    introspector.start();
    await until('an event is told', () => events.length > 0);
    assert.equal(introspector.state().ready, false);
    assert.match(introspector.state().problem ?? '', /cannot be reached|not the metadata/);
    assert.equal(await ask('token'), 'issuer_unavailable');
    if (explicit) continue;
    issuer.up();
    await until('introspection is ready', () => introspector.state().ready);
    issuer.say('token', activeAnswer());
    assert.equal(await ask('token'), 'user-1');
  }
});

void test('metadata of another issuer, or with an unsafe endpoint, is not believed', async (t) => {
  const { issuer, introspector, ask } = await createBench(t);
  const endpoint = `${issuer.issuer}/introspect`;
  issuer.say('token', activeAnswer());
  issuer.describe({ issuer: `${issuer.issuer}/`, introspection_endpoint: endpoint });
  assert.equal(await ask('token'), 'issuer_unavailable');
  assert.match(introspector.state().problem ?? '', /not the metadata of/);
  issuer.describe({ issuer: issuer.issuer });
  assert.equal(await ask('token'), 'issuer_unavailable');
  assert.match(introspector.state().problem ?? '', /no usable introspection_endpoint/);
  issuer.describe({ issuer: issuer.issuer, introspection_endpoint: 'ftp://127.0.0.1/' });
  assert.equal(await ask('token'), 'issuer_unavailable');
  assert.match(introspector.state().problem ?? '', /not https/);
  assert.equal(issuer.asked.length, 0);
});

void test('more tokens at once than the limit are 503, and the rest is answered', async (t) => {
  const { issuer, ask } = await createBench(t, { limits: { concurrent: 8 } });
  const held: (() => void)[] = [];
  issuer.answer((_, response) => held.push(() => sendJson(response, activeAnswer())));
  const asked = Array.from({ length: 12 }, (_, index) => ask(`t${index}`));
  const early = await Promise.all(asked.slice(8));
  assert.deepEqual(early, Array.from({ length: 4 }).fill('issuer_unavailable'));
  await until('eight questions are held', () => held.length === 8);
  for (const release of held) release();
  assert.deepEqual(await Promise.all(asked.slice(0, 8)), Array.from({ length: 8 }).fill('user-1'));
});

void test('what is under way when the configuration is replaced is still answered', async (t) => {
  const { issuer, introspector, ask } = await createBench(t);
  const held: (() => void)[] = [];
  issuer.answer((_, response) => held.push(() => sendJson(response, activeAnswer())));
  const asked = ask('token');
  await until('one question is held', () => held.length === 1);
  introspector.close();
  held[0]?.();
  assert.equal(await asked, 'user-1');
});
