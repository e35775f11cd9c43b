import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { allRecords } from '../audit/ledger-dir.ts';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

describe('a web page, a rebound name or another service gets nothing from the port', () => {
  const company = useCompany();
  let agent: AgentProcess;
  let port: string;

  before(async () => {
    agent = await startAgent(company().relayUrl);
    await agent.signIn('alice');
    ({ port } = new URL(agent.url));
  });
  after(async () => agent?.close());

  const seen = async (): Promise<number> =>
    JSON.stringify(await (await fetch(`${company().billingUrl}/__seen`)).json()).length;

  const send = (
    fields: readonly string[],
    target = '/billing/invoices',
    method = 'GET',
  ): Promise<string> =>
    sendRaw(agent.url, `${method} ${target} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, {
      quietMs: 150,
    });

  async function refused(
    code: string,
    fields: readonly string[],
    target?: string,
    method?: string,
  ): Promise<void> {
    const before = await seen();
    const answer = await send(fields, target, method);
    assert.equal(statusOf(answer), 403, `${fields.join(' | ')}: ${answer.slice(0, 120)}`);
    assert.equal(codeOf(answer), code, fields.join(' | '));
    assert.doesNotMatch(answer, /access-control-allow/i);
    assert.equal(await seen(), before, 'the API heard nothing');
  }

  test('the same request without a page behind it is answered', async () => {
    assert.equal(statusOf(await send([`Host: localhost:${port}`])), 200);
    assert.equal(statusOf(await send([`Host: 127.0.0.1:${port}`])), 200);
    assert.equal(statusOf(await send([`Host: [::1]:${port}`])), 200);
    assert.equal(statusOf(await send([`Host: LOCALHOST:${port}`])), 200);
  });

  test('DNS rebinding: a foreign Host is refused first (CVE-2022-41925)', async () => {
    for (const host of [
      `evil.example:${port}`,
      'evil.example',
      'localhost',
      'localhost:1',
      `localhost.evil.example:${port}`,
      `127.0.0.1.nip.io:${port}`,
      `127.0.0.2:${port}`,
      `0.0.0.0:${port}`,
      `[::]:${port}`,
      `a.b.localhost:${port}`,
      `.localhost:${port}`.replace(/^\./, '-x.'),
    ]) {
      const answer = await send([`Host: ${host}`]);
      assert.ok([400, 403].includes(statusOf(answer)), `${host}: ${statusOf(answer)}`);
    }
    await refused('foreign_host', [`Host: evil.example:${port}`]);
  });

  test('an absolute-form target does not choose another destination', async () => {
    await refused(
      'foreign_host',
      [`Host: localhost:${port}`],
      'http://evil.example/billing/invoices',
    );
  });

  test('foreign origins, null among them, on GET too', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      `http://localhost:1`,
      `https://localhost:${port}`,
      `http://127.0.0.1:${port}`,
    ]) {
      await refused('foreign_origin', [`Host: localhost:${port}`, `Origin: ${origin}`]);
    }
  });

  test('requests that carry a foreign page’s fetch metadata or Referer', async () => {
    const host = `Host: localhost:${port}`;
    await refused('foreign_origin', [
      host,
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Mode: no-cors',
    ]);
    await refused('foreign_origin', [host, 'Sec-Fetch-Site: same-site']);
    await refused('foreign_origin', [host, 'Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate']);
    await refused('foreign_origin', [host, 'Referer: https://evil.example/page']);
    await refused('foreign_origin', [host, `Referer: http://localhost:${port}.evil.example/`]);
  });

  test('preflights are refused here, not asked of the API', async () => {
    await refused(
      'foreign_origin',
      [
        `Host: localhost:${port}`,
        'Origin: https://evil.example',
        'Access-Control-Request-Method: POST',
      ],
      '/billing/invoices',
      'OPTIONS',
    );
  });

  test('WebSockets from a page', async () => {
    const socket = new WebSocket(`${agent.url.replace('http', 'ws')}/billing/live`, {
      origin: 'https://evil.example',
    });
    const status = await new Promise<number | undefined>((resolve) => {
      socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      socket.on('open', () => resolve(101));
      socket.on('error', () => resolve(undefined));
    });
    assert.equal(status, 403);
  });

  test('CONNECT is refused with the reason', async () => {
    const answer = await sendRaw(
      agent.url,
      `CONNECT billing.internal.example.com:443 HTTP/1.1\r\nHost: billing.internal.example.com:443\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 405);
    assert.match(answer, /"code":"method"/);
  });

  test('an upgrade or CONNECT behind a request whose answer is owed gets none', async () => {
    const host = `Host: localhost:${port}`;
    const slow = `GET /billing/slow?ms=400 HTTP/1.1\r\n${host}\r\n\r\n`;
    const upgrade = `GET /billing/live HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    const connect = `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n`;
    for (const behind of [upgrade, connect, slow + upgrade])
      assert.equal(await sendRaw(agent.url, slow + behind), '');
    await sleep(600);
    assert.equal(statusOf(await send([host])), 200, 'the app goes on');
  });

  test('a WebSocket asked for by HTTP/1.0 is served as a plain request (RFC 9110 §7.8)', async () => {
    const answer = await sendRaw(
      agent.url,
      `GET /billing/invoices HTTP/1.0\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 200);
  });

  test('answers carry nothing that would outlive them in a browser', async () => {
    const answer = await send([`Host: localhost:${port}`], '/billing/invoices');
    assert.doesNotMatch(
      answer,
      /^(set-cookie|strict-transport-security|alt-svc|clear-site-data|access-control-)/im,
    );
  });

  test('refusals are in the local audit, with the reason', async () => {
    await refused('foreign_host', [`Host: evil.example:${port}`]);
    await until('both are recorded', async () => {
      const records = await allRecords(join(agent.dataDir, 'audit'));
      const denied = records.filter(({ decision }) => decision === 'deny');
      const codes = new Set(denied.map(({ code }) => code));
      return codes.has('foreign_host') && codes.has('foreign_origin');
    });
  });

  test('the port is bound on loopback only', async () => {
    assert.equal(
      agent.events.find(({ event }) => event === 'listening')?.['url'],
      `http://127.0.0.1:${port}`,
    );
    const answer = await sendRaw(
      `http://[::1]:${port}`.replace('[::1]', '127.0.0.1'),
      `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 200);
  });
});

test('when IT requires tool keys, of which there are none yet, every tool is refused', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-keys-'));
  await writeFile(join(dataDir, 'settings.json'), '{"guard":{"requireToolKeys":true}}');
  const agent = await startAgent('http://127.0.0.1:9', { dataDir });
  t.after(() => agent.close());
  const answer = await fetch(`${agent.url}/billing/invoices`);
  assert.equal(answer.status, 403);
  assert.equal(((await answer.json()) as { code: string }).code, 'tool_key');
  assert.equal((await fetch(`${agent.url}/.latchkey/status`)).status, 200);
});
