import assert from 'node:assert/strict';
import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { once } from 'node:events';
import { allRecords } from '../audit/ledger-dir.ts';
import { apisText } from '../../app/cli/output.ts';
import { controlAddress } from '../../app/main/agent/control/address.ts';
import { createControlClient } from '../../app/main/agent/control/client.ts';
import { freePorts } from '../../demo/child.ts';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';

const SITE = 'billing.internal.example.com';

describe('one API, by every door', () => {
  const company = useCompany();
  let agent: AgentProcess;
  let port: string;
  let ownPort = 0;

  before(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-doors-'));
    [ownPort = 0] = await freePorts(1);
    await writeFile(
      join(dataDir, 'settings.json'),
      JSON.stringify({ apis: { billing: { port: ownPort } } }),
    );
    agent = await startAgent(company().relayUrl, { dataDir });
    await agent.signIn('alice');
    ({ port } = new URL(agent.url));
  });
  after(async () => agent?.close());

  const ask = (target: string, host: string, more: readonly string[] = []): Promise<string> =>
    sendRaw(
      agent.url,
      `GET ${target} HTTP/1.1\r\n${[`Host: ${host}`, 'Connection: close', ...more].join('\r\n')}\r\n\r\n`,
      { quietMs: 60_000 },
    );

  test('by path, by name, as a proxy: the API gets the same request', async () => {
    for (const [target, host] of [
      ['/billing/invoices?page=2', `localhost:${port}`],
      ['/invoices?page=2', `billing.localhost:${port}`],
      [`http://${SITE}/invoices?page=2`, SITE],
      [`http://${SITE}:80/invoices?page=2`, SITE],
      [`http://${SITE.toUpperCase()}/invoices?page=2`, SITE],
    ] as const) {
      const answer = await ask(target, host);
      assert.equal(statusOf(answer), 200, `${target} ${host}: ${answer.slice(0, 300)}`);
      assert.match(answer, /"invoices"/, target);
    }
    const records = await allRecords(join(agent.dataDir, 'audit'));
    const paths = records
      .filter(({ kind, api }) => kind === 'request' && api === 'billing')
      .map(({ path }) => path);
    assert.deepEqual(new Set(paths), new Set(['/billing/invoices']));
  });

  test('as a proxy, other sites get 403, and no sign-in or API hears of them', async () => {
    for (const site of ['evil.example', `${SITE}.evil.example`, `${SITE}:8080`, 'localhost:1']) {
      const answer = await ask(`http://${site}/invoices`, site);
      assert.equal(statusOf(answer), 403, site);
      assert.equal(codeOf(answer), 'foreign_host', site);
    }
    assert.match(await ask('http://evil.example/', 'evil.example'), new RegExp(SITE));
  });

  test('the inside name in Host alone is a rebound name; beside a whole URL Host is ignored', async () => {
    for (const [target, host] of [
      ['/invoices', SITE],
      ['/billing/invoices', SITE],
      ['/billing/invoices', `${SITE}:${port}`],
    ] as const) {
      const answer = await ask(target, host);
      assert.equal(codeOf(answer), 'foreign_host', `${target} ${host}`);
    }
    for (const host of [`localhost:${port}`, 'other.example']) {
      const answer = await ask(`http://${SITE}/invoices`, host);
      assert.equal(statusOf(answer), 200, host);
    }
  });

  test('a page of another origin gets nothing through the proxy either', async () => {
    for (const field of ['Origin: http://evil.example', 'Referer: http://evil.example/']) {
      const answer = await ask(`http://${SITE}/invoices`, SITE, [field]);
      assert.equal(codeOf(answer), 'foreign_origin', field);
    }
  });

  test('a browser that has the port for its proxy gets nothing: no field would tell whose page asks', async () => {
    for (const field of [
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36',
      'User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Upgrade-Insecure-Requests: 1',
      'Sec-CH-UA: "Chromium";v="150"',
    ]) {
      const answer = await ask(`http://${SITE}/invoices`, SITE, [field]);
      assert.equal(codeOf(answer), 'foreign_origin', field);
    }
    const shell = 'Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0; en-US) PowerShell/7.4.0';
    assert.equal(
      statusOf(await ask(`http://${SITE}/invoices`, SITE, [`User-Agent: ${shell}`])),
      200,
    );
  });

  test('references in answers keep to the name that the tool uses', async () => {
    const body = '{"customer":"ACME","amount":12}';
    const create = (target: string, host: string): Promise<string> =>
      sendRaw(
        agent.url,
        `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        { quietMs: 60_000 },
      );
    const bySite = await create(`http://${SITE}/invoices`, SITE);
    assert.equal(statusOf(bySite), 201, bySite);
    assert.match(bySite, new RegExp(`location: http://${SITE}/invoices/`, 'i'));
    const byPath = await create('/billing/invoices', `localhost:${port}`);
    assert.match(byPath, /location: \/billing\/invoices\//i);
  });

  test('an API’s own port serves it at its root, and nothing else', async () => {
    const answer = await fetch(`http://localhost:${ownPort}/invoices`);
    assert.equal(answer.status, 200);
    assert.ok('invoices' in ((await answer.json()) as object));
    const send = (host: string): Promise<string> =>
      sendRaw(
        `http://127.0.0.1:${ownPort}`,
        `GET /invoices HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        { quietMs: 60_000 },
      );
    assert.equal(statusOf(await send(`billing.localhost:${ownPort}`)), 200);
    assert.equal(codeOf(await send(`people.localhost:${ownPort}`)), 'foreign_host');
    assert.equal(codeOf(await send(`localhost:${port}`)), 'foreign_host');
    assert.equal(codeOf(await send('evil.example')), 'foreign_host');
    assert.notEqual(
      (await fetch(`http://localhost:${ownPort}/people/me`)).status,
      200,
      'no other API is reached by its path',
    );
  });

  test('an API’s own port is told beside its address at the port that all share', async () => {
    const { apis } = await createControlClient(controlAddress(agent.dataDir)).status();
    const urls = apis.map(({ name, localUrl, ownUrl }) => [name, localUrl, ownUrl]);
    const billing = `http://localhost:${port}/billing`;
    assert.deepEqual(urls[0], ['billing', billing, `http://localhost:${ownPort}`]);
    assert.ok(urls.slice(1).every(([, , ownUrl]) => ownUrl === undefined));
    assert.match(apisText(apis), new RegExp(`^billing  ${billing}  http://localhost:${ownPort}  `));
    const shown = await (await fetch(`${agent.url}/.latchkey/status`)).text();
    assert.match(shown, new RegExp(`"ownUrl":"http://localhost:${ownPort}"`));
  });

  const bySocket = (path: string, host: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const socketPath = join(agent.dataDir, 'latchkey.sock');
      http
        .get({ socketPath, path, headers: { host } }, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        })
        .on('error', reject);
    });

  test('the socket is private, and answers to the names of APIs', async () => {
    const { mode } = await stat(join(agent.dataDir, 'latchkey.sock'));
    assert.equal(mode & 0o777, 0o600);
    assert.equal((await stat(agent.dataDir)).mode & 0o777, 0o700);
    for (const [path, host] of [
      ['/invoices', 'billing'],
      ['/invoices', 'billing.localhost'],
      ['/billing/invoices', 'localhost'],
    ] as const)
      assert.equal((await bySocket(path, host)).status, 200, `${host}${path}`);
    assert.equal((await bySocket('/invoices', 'evil.example')).status, 403);
    assert.equal((await bySocket('/invoices', SITE)).status, 403);
    assert.equal((await bySocket('/invoices', 'nothing')).status, 404);
  });

  test('a tool that looks for a sign-in of its own finds none', async () => {
    for (const path of [
      'oauth-protected-resource',
      'oauth-protected-resource/billing',
      'oauth-authorization-server',
    ]) {
      const answer = await ask(`/.well-known/${path}`, `localhost:${port}`);
      assert.equal(statusOf(answer), 404, path);
      assert.match(answer, /adds the token/);
    }
  });

  test('what Latchkey has sent itself is a loop', async () => {
    const answer = await ask('/billing/invoices', `localhost:${port}`, ['X-Latchkey-Client: 1']);
    assert.equal(statusOf(answer), 508);
    assert.equal(codeOf(answer), 'loop');
  });

  test('a taken port of an API is told with its owner, and the rest is served', async (t) => {
    const squatter = createServer();
    squatter.listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    t.after(() => squatter.close());
    const taken = (squatter.address() as AddressInfo).port;
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-doors-'));
    await writeFile(
      join(dataDir, 'settings.json'),
      JSON.stringify({ apis: { billing: { port: taken } } }),
    );
    const other = await startAgent(company().relayUrl, { dataDir });
    t.after(() => other.close());
    await other.signIn('alice');
    assert.equal((await fetch(`${other.url}/billing/invoices`)).status, 200);
    const isTold = (event: object): boolean =>
      JSON.stringify(event).includes(`Port ${taken} is taken by`);
    const told = JSON.stringify(await other.next(isTold));
    assert.match(told, /which is free, with `apis\.billing\.port` in settings\.json/);
    const { fault } = await createControlClient(controlAddress(dataDir)).status();
    assert.equal(fault?.code, 'port_in_use', 'the sign-in has not ended it');
  });
});
