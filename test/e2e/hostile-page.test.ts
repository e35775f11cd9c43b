import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { findChromium, launchChromium } from '../support/sign-in.ts';

/** What each attack of the page got hold of; run inside the page. */
const ATTACKS = `async (local) => {
  const got = {};
  const attempt = async (name, run) => {
    try { got[name] = await run(); } catch (error) { got[name] = 'blocked: ' + error.name; }
  };
  await attempt('fetch', async () => (await fetch(local + '/billing/invoices')).text());
  await attempt('fetch no-cors', async () => {
    const answer = await fetch(local + '/billing/invoices', { mode: 'no-cors' });
    return answer.type === 'opaque' ? 'opaque' : answer.text();
  });
  await attempt('post no-cors', async () => (await fetch(local + '/billing/invoices/INV-1002/approve', { method: 'POST', mode: 'no-cors', body: 'x' })).type);
  await attempt('preflight', async () => (await fetch(local + '/billing/invoices', { method: 'PUT', headers: { 'X-A': '1' } })).text());
  await attempt('xhr', () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.onload = () => resolve(request.responseText);
    request.onerror = () => reject(new TypeError('xhr'));
    request.open('GET', local + '/billing/invoices'); request.send();
  }));
  await attempt('websocket', () => new Promise((resolve, reject) => {
    const socket = new WebSocket(local.replace('http', 'ws') + '/billing/live');
    socket.onopen = () => resolve('open');
    socket.onerror = () => reject(new TypeError('ws'));
  }));
  await attempt('event source', () => new Promise((resolve, reject) => {
    const source = new EventSource(local + '/billing/feed');
    source.onmessage = (event) => resolve(event.data);
    source.onerror = () => { source.close(); reject(new TypeError('sse')); };
  }));
  const element = (name, tag, attributes) => attempt(name, () => new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.onload = () => resolve('loaded');
    node.onerror = () => reject(new TypeError(tag));
    document.body.append(node);
    setTimeout(() => resolve('nothing'), 1000);
  }));
  await element('image', 'img', { src: local + '/billing/invoices' });
  await element('script', 'script', { src: local + '/billing/invoices' });
  await attempt('form', () => new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'target' });
    document.body.append(frame);
    const form = Object.assign(document.createElement('form'), { method: 'POST', target: 'target', action: local + '/billing/invoices/INV-1002/approve' });
    document.body.append(form);
    form.submit();
    setTimeout(() => resolve('sent'), 800);
  }));
  await attempt('iframe', () => new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { src: local + '/billing/invoices' });
    document.body.append(frame);
    setTimeout(() => { let text = 'cross-origin'; try { text = frame.contentDocument?.body.innerText ?? 'cross-origin'; } catch {} resolve(text); }, 800);
  }));
  return got;
}`;

const missing = findChromium() === undefined && 'no Chromium: set CHROMIUM_PATH';
if (missing && process.env['CI'] === 'true') throw new Error(missing);

describe('a hostile web page in the same person’s browser', { skip: missing }, () => {
  const company = useCompany();
  let agent: AgentProcess;
  let browser: Browser;
  let site: Server;
  let sitePort: number;

  before(async () => {
    agent = await startAgent(company().relayUrl);
    await agent.signIn('alice');
    site = createServer((_request, response) =>
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><body>evil</body>'),
    );
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    sitePort = (site.address() as AddressInfo).port;
    const { port } = new URL(agent.url);
    browser = await launchChromium([
      // evil.example is the attacker's site; rebound.example is the same site after rebinding to us.
      `--host-resolver-rules=MAP evil.example 127.0.0.1,MAP rebound.example:${port} 127.0.0.1:${port},MAP rebound.example 127.0.0.1`,
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
    ]);
  });
  after(async () => {
    await browser?.close();
    site?.close();
    site?.closeAllConnections();
    await agent?.close();
  });

  const seen = async (): Promise<string> => (await fetch(`${company().billingUrl}/__seen`)).text();

  async function visit(url: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    return page;
  }

  test('reads nothing and changes nothing, whatever it tries', async () => {
    const before = await seen();
    const page = await visit(`http://evil.example:${sitePort}/`);
    for (const local of [agent.url, agent.url.replace('127.0.0.1', 'localhost')]) {
      const got = await page.evaluate<Record<string, string>>(`(${ATTACKS})('${local}')`);
      assert.equal(Object.keys(got).length, 11);
      for (const [attack, result] of Object.entries(got)) {
        assert.match(
          result,
          /^(blocked: |opaque|sent|nothing|cross-origin)/,
          `${attack}: ${result}`,
        );
      }
    }
    assert.equal(await seen(), before, 'the API heard nothing');
    await page.close();
  });

  test('gets nothing by rebinding its name to the port', async () => {
    const before = await seen();
    const { port } = new URL(agent.url);
    const page = await visit(`http://rebound.example:${port}/`);
    assert.match(await page.locator('body').innerText(), /foreign_host/);
    const got = await page.evaluate<string>(
      `fetch('/billing/invoices').then((answer) => answer.text())`,
    );
    assert.match(got, /foreign_host/);
    assert.equal(await seen(), before);
    await page.close();
  });

  test('cannot navigate to an answer, while the port’s own page opens', async () => {
    const before = await seen();
    const page = await browser.newPage();
    const refused = await page.goto(`${agent.url}/billing/invoices`);
    assert.equal(refused?.status(), 403);
    assert.equal(await seen(), before);
    await page.goto(agent.url);
    assert.match(await page.locator('body').innerText(), /Signed in as Alice/);
    await page.close();
  });

  test('gets nothing from a browser that has the port for its proxy, our own ports included', async (t) => {
    const before = await seen();
    const { port } = new URL(agent.url);
    const proxied = await launchChromium([
      // The attacker's own site is reached directly; everything else goes through the port, loopback too.
      `--proxy-server=http://127.0.0.1:${port}`,
      '--proxy-bypass-list=<-loopback>;evil.example',
      '--host-resolver-rules=MAP evil.example 127.0.0.1',
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
    ]);
    t.after(() => proxied.close());
    const page = await proxied.newPage();
    await page.goto(`http://evil.example:${sitePort}/`);
    const inside = 'http://billing.internal.example.com';
    for (const local of [inside, `http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
      const paths =
        local === inside ? ['/invoices', '/invoices/INV-1002/approve'] : ['/billing/invoices'];
      for (const path of paths) {
        const got = await page.evaluate<string[]>(`(async () => {
          const got = [];
          for (const init of [{}, { mode: 'no-cors' }, { mode: 'no-cors', referrerPolicy: 'no-referrer' }, { method: 'POST', mode: 'no-cors', body: 'x', referrerPolicy: 'no-referrer' }])
            got.push(await fetch('${local}${path}', init).then(async (answer) => answer.type === 'opaque' ? 'opaque' : answer.text(), (error) => 'blocked: ' + error.name));
          return got;
        })()`);
        for (const result of got) assert.match(result, /^(opaque|blocked: )/, `${local}${path}`);
      }
    }
    const navigated = await page.goto(`${inside}/invoices`);
    assert.equal(navigated?.status(), 403);
    assert.equal(await seen(), before, 'the API heard nothing');
  });
});
