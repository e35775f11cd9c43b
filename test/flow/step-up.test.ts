import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords, settledRecords } from '../audit/ledger-dir.ts';
import { signInWithFetch } from '../support/sign-in.ts';
import { seatAgent, useStepUpCompany, type SeatedAgent } from '../support/step-up-company.ts';
import { until } from '../support/until.ts';

const nobody = (): Promise<void> => Promise.resolve();

describe('a request that needs a stronger sign-in', () => {
  const bench = useStepUpCompany();
  const open: { close(): Promise<void> }[] = [];

  async function seat(
    signIn: { readonly auto?: boolean; readonly waitSeconds?: number } = {},
  ): Promise<SeatedAgent> {
    // On a busy machine a whole sign-in may take longer than the 20 s that are usual.
    const patient = { waitSeconds: 300, ...signIn };
    const seated = await seatAgent(bench().company.relayUrl, { signIn: patient });
    open.push(seated);
    return seated;
  }

  afterEach(async () => {
    bench().received.length = 0;
    for (const agent of open.splice(0)) await agent.close();
  });

  const transfer = (
    { url }: SeatedAgent,
    body: Uint8Array | string = 'pay 5',
    signal?: AbortSignal,
  ): Promise<Response> =>
    fetch(`${url}/billing/transfer`, { method: 'POST', body, ...(signal && { signal }) });

  const local = async ({ dataDir }: SeatedAgent): Promise<readonly AuditRecord[]> =>
    settledRecords(join(dataDir, 'audit'));

  test('is held while the person confirms, then sent once more; the API sees it once, whole', async () => {
    const seated = await seat();
    const body = randomBytes(300_000);
    const answer = await transfer(seated, body);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'done');
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    assert.deepEqual(
      bench().received.map((one) => [one.method, one.url, hash(one.body)]),
      [['POST', '/transfer', hash(body)]],
    );
    assert.equal(seated.tabs.length, 1);
    const asked = new URL(seated.tabs[0] ?? '').searchParams;
    assert.deepEqual([asked.get('acr_values'), asked.get('max_age')], ['mfa', '900']);
    assert.match(seated.notices[0] ?? '', /^Billing asks you to confirm that it is you\./);
    assert.ok(seated.statuses.includes('signing-in'));
    assert.equal(seated.agent.snapshot().status, 'ready');

    assert.equal((await transfer(seated)).status, 200);
    assert.equal(seated.tabs.length, 1, 'once is enough');
  });

  test('each try is in both audits under an id of its own; the confirmation in the local one', async () => {
    const seated = await seat();
    const answer = await transfer(seated, 'pay 5');
    await answer.arrayBuffer();
    const records = await local(seated);
    const [refused, done] = records.filter(({ kind }) => kind === 'outcome') as [
      AuditRecord,
      AuditRecord,
    ];
    assert.deepEqual([refused.status, refused.code, done.status], [401, 'step_up', 200]);
    assert.deepEqual([refused.bytesIn, done.bytesIn], [5, 5]);
    assert.equal(done.requestId, answer.headers.get('x-request-id'));
    const far = await settledRecords(bench().company.auditDir);
    const verdict = ({ requestId }: AuditRecord): AuditRecord | undefined =>
      far.find((record) => record.kind === 'request' && record.requestId === requestId);
    assert.equal(verdict(refused)?.code, 'step_up');
    assert.equal(verdict(done)?.decision, 'allow');
    const stepUp = records.find(({ kind }) => kind === 'step-up');
    assert.deepEqual(
      [stepUp?.user, stepUp?.acr, stepUp?.decision, stepUp?.detail],
      ['alice', 'mfa', 'allow', 'asked for acr_values mfa, max_age 900'],
    );
  });

  test('twenty at once cause one tab, and each arrives once', async () => {
    const seated = await seat();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) => transfer(seated, `pay ${number}`)),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(seated.tabs.length, 1);
    assert.equal(seated.notices.length, 1);
    const bodies = bench().received.map(({ body }) => body.toString());
    assert.deepEqual(
      bodies.sort(),
      Array.from({ length: 20 }, (_, number) => `pay ${number}`).sort(),
    );
  });

  test('above 1 MiB it is not held: the tool gets the refusal as it is', async () => {
    const seated = await seat();
    const answer = await transfer(seated, randomBytes(1024 * 1024 + 1));
    assert.equal(answer.status, 401);
    assert.equal(((await answer.json()) as { code: string }).code, 'step_up');
    assert.match(answer.headers.get('www-authenticate') ?? '', /acr_values="mfa"/);
    assert.deepEqual([seated.tabs.length, bench().received.length], [0, 0]);
  });

  test('a tool that leaves is not waited for: nothing is sent in its name', async () => {
    const seated = await seat();
    let confirm: (() => void) | undefined;
    seated.person = async (url) => {
      await new Promise<void>((resolve) => {
        confirm = resolve;
      });
      await signInWithFetch(url, 'alice', 'alice-demo');
    };
    const leave = new AbortController();
    const left = transfer(seated, 'pay 5', leave.signal);
    await until('the tab is open', () => seated.tabs.length === 1);
    leave.abort();
    await assert.rejects(left);
    confirm?.();
    await until('the agent is ready', () => seated.agent.snapshot().status === 'ready');
    await sleep(300);
    assert.equal(bench().received.length, 0);
    const outcomes = (await local(seated)).filter(
      ({ kind, code }) => kind === 'outcome' && code === 'step_up',
    );
    assert.deepEqual(
      outcomes.map(({ status, closedBy }) => [status, closedBy]),
      [[401, 'client']],
    );
  });

  test('a person who refuses: the tool gets the relay’s answer, and the session stays', async () => {
    const seated = await seat();
    seated.person = (url) => signInWithFetch(url, 'alice', 'alice-demo', { deny: true });
    const answer = await transfer(seated);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('retry-after'), '30');
    assert.match(answer.headers.get('www-authenticate') ?? '', /insufficient_user_authentication/);
    const problem = (await answer.json()) as Record<string, unknown>;
    assert.equal(problem['code'], 'step_up');
    assert.equal(problem['requestId'], answer.headers.get('x-request-id'));
    assert.equal(seated.agent.snapshot().fault?.code, 'consent_refused');
    assert.equal(seated.agent.snapshot().status, 'ready');
    assert.equal((await fetch(`${seated.url}/billing/plain`)).status, 200);
    assert.equal((await transfer(seated)).status, 401);
    assert.equal(seated.tabs.length, 1, 'not asked again at once');
    const records = await local(seated);
    assert.deepEqual(
      records
        .filter(({ kind }) => kind === 'step-up')
        .map(({ decision, code, user }) => [decision, code, user]),
      [['deny', 'consent_refused', 'alice']],
    );
    assert.deepEqual(
      bench().received.map(({ url }) => url),
      ['/plain'],
    );
  });

  test('a person who takes long: the tool is told after its time, the next request goes on', async () => {
    const seated = await seat({ waitSeconds: 1 });
    seated.person = nobody;
    const answer = await transfer(seated);
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [401, '30']);
    await until('the tab is open', () => seated.tabs.length === 1);
    assert.equal(seated.agent.snapshot().status, 'signing-in');
    assert.equal((await fetch(`${seated.url}/billing/plain`)).status, 200, 'others go on');
    await signInWithFetch(seated.tabs[0] ?? '', 'alice', 'alice-demo');
    await until('the agent is ready', () => seated.agent.snapshot().status === 'ready');
    assert.equal((await transfer(seated)).status, 200);
    assert.equal(seated.tabs.length, 1);
  });

  test('a relay that is not content afterwards: its answer, and no second tab', async () => {
    const seated = await seat();
    for (let round = 0; round < 3; round += 1) {
      const answer = await fetch(`${seated.url}/billing/never`, { method: 'POST', body: 'x' });
      assert.equal(answer.status, 401);
      assert.match(await answer.text(), /"code":"step_up"/);
    }
    assert.equal(seated.tabs.length, 1);
    assert.equal(bench().received.length, 0);
  });

  test('a WebSocket is held as well', async () => {
    const seated = await seat();
    const socket = new WebSocket(`${seated.url.replace('http', 'ws')}/billing/socket`);
    const echoed = await new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send('after the second step'));
      socket.on('message', (data: Buffer) => resolve(data.toString()));
      setTimeout(() => reject(new Error('no echo')), 60_000).unref();
    });
    socket.terminate();
    assert.equal(echoed, 'after the second step');
    assert.equal(seated.tabs.length, 1);
  });

  test('a WebSocket whose tool leaves, or whose person refuses, never reaches the API', async (t) => {
    const seated = await seat();
    seated.person = nobody;
    const head =
      'GET /billing/socket HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const { port } = new URL(seated.url);
    const tool = connect(Number(port), '127.0.0.1');
    t.after(() => tool.destroy());
    tool.write(head.replace('PORT', port));
    await until('the tab is open', () => seated.tabs.length === 1);
    tool.end();
    await until('its leave is recorded', async () =>
      (await allRecords(join(seated.dataDir, 'audit'))).some(
        ({ kind, code, closedBy }) =>
          kind === 'outcome' && code === 'step_up' && closedBy === 'client',
      ),
    );
    seated.agent.cancelSignIn();
    await until('the agent is ready again', () => seated.agent.snapshot().status === 'ready');
    const refused = new WebSocket(`${seated.url.replace('http', 'ws')}/billing/socket`);
    const status = await new Promise<number | undefined>((resolve) => {
      refused.on('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      refused.on('error', () => resolve(undefined));
    });
    assert.equal(status, 401);
    assert.equal(bench().received.length, 0);
  });

  test('with signIn.auto off a notification asks; confirming by hand lets the request go on', async () => {
    const seated = await seat({ auto: false });
    const held = transfer(seated);
    await until('the notification comes', () => seated.notices.length === 1);
    assert.equal(seated.tabs.length, 0);
    assert.equal(seated.agent.snapshot().fault?.code, 'step_up');
    assert.match(seated.notices[0] ?? '', /choose Confirm/);
    await seated.agent.signIn();
    assert.equal((await held).status, 200);
    assert.equal(seated.tabs.length, 1);
    assert.equal(seated.agent.snapshot().fault, undefined);
    assert.equal(bench().received.length, 1);
  });
});
