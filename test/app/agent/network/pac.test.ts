import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { listenOnLoopback } from '../../../../demo/listen.ts';
import { createNetwork } from '../../../../app/main/agent/network/network.ts';
import { readPacFile } from '../../../../app/main/agent/network/pac-file.ts';
import { matchesShell } from '../../../../app/main/agent/network/pac-functions.ts';
import { createScriptRunner } from '../../../../app/main/agent/network/pac-script.ts';
import { createPac } from '../../../../app/main/agent/network/pac.ts';
import { createTrust, type Trust } from '../../../../app/main/agent/network/trust.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { startHopServer } from '../../../support/hop-server.ts';
import { startSecureServer } from '../../../support/secure-server.ts';

const RELAY = new URL('https://relay.example.test/secret?code=1');
const script = (body: string): string => `function FindProxyForURL(url, host) { ${body} }`;
const PATIENT = { runMs: 60_000, totalMs: 60_000 };
const run = (body: string, limits = PATIENT): Promise<string> =>
  createScriptRunner(limits).run(script(body), RELAY);
const read = (address: URL, trust: Trust, timeoutMs = 60_000): Promise<string> =>
  readPacFile(address, trust, timeoutMs);

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const { url, close } = await listenOnLoopback(createServer(listener), 0);
  t.after(close);
  return `${url}/proxy.pac`;
}

test('the usual functions work; of the URL a script sees neither path nor query', async () => {
  assert.equal(
    await run('return url + " " + host'),
    'https://relay.example.test/ relay.example.test',
  );
  const all =
    'return [isInNet("10.1.2.3", "10.0.0.0", "255.0.0.0"), shExpMatch(host, "*.example.test"), dnsDomainIs(host, ".example.test"), isPlainHostName(host), dnsResolve("nowhere.invalid"), isResolvable("nowhere.invalid"), /^[0-9.]+$/.test(myIpAddress()), alert("x")].join()';
  assert.equal(await run(all), 'true,true,true,false,,false,true,');
  assert.equal(await run(''), '');
});

test('a script reaches nothing of this process', async () => {
  const names = ['process', 'require', 'fetch', 'globalThis.Buffer', 'WebAssembly', 'setTimeout'];
  assert.equal(
    await run(`return [${names.map((name) => `typeof ${name}`).join()}].join()`),
    names.map(() => 'undefined').join(),
  );
  const escape = 'return isPlainHostName.constructor("return typeof process")()';
  assert.equal(await run(escape), 'undefined');
});

const ENDLESS: readonly [string, string][] = [
  ['loops', 'while (true);'],
  ['loops and catches what ends it', 'while (true) { try { while (true); } catch (e) {} }'],
  ['loops after a name look-up', 'dnsResolve("localhost"); while (true);'],
  ['loops at its top', '} while (true); {'],
  ['makes a regular expression explode', 'return /^(a+)+$/.test(new Array(60).join("a") + "!")'],
];

for (const [name, body] of ENDLESS) {
  test(`a proxy script that ${name} is ended, and this process lives on`, async () => {
    await assert.rejects(
      run(body, { runMs: 300, totalMs: 1_500 }),
      /the proxy script takes too long|the proxy script fails/,
    );
    // What it left behind would come now.
    await sleep(50);
    assert.equal(await run('return "DIRECT"'), 'DIRECT');
  });
}

test('a proxy script that eats memory, or fails after a name look-up, only fails', async () => {
  await assert.rejects(
    run('var a = []; while (true) a.push(new Array(1e5).join("x") + a.length);'),
    /the proxy script/,
  );
  await assert.rejects(
    run('dnsResolve("localhost"); throw new Error("x")'),
    /the proxy script fails/,
  );
  await assert.rejects(
    createScriptRunner(PATIENT).run('not a script', RELAY),
    /the proxy script fails/,
  );
});

test('shell expressions; none takes for ever', () => {
  const cases: readonly [string, string, boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'a?c', true],
    ['abc', 'a*', true],
    ['abc', '*c', true],
    ['abc', '*b*', true],
    ['abc', 'ab', false],
    ['ab', 'abc', false],
    ['', '*', true],
    ['', '', true],
    ['', '?', false],
    ['a.c', 'a.c', true],
    ['abc', 'a.c', false],
    ['aXbXc', 'a*b*c', true],
    ['(x)', '(x)', true],
  ];
  for (const [text, pattern, expected] of cases)
    assert.equal(matchesShell(text, pattern), expected, `${text} ${pattern}`);
  assert.equal(matchesShell('a'.repeat(5_000), `${'*a'.repeat(500)}*b`), false);
});

test('a script is read from https, this computer and files, within bounds', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-pac-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'proxy.pac');
  writeFileSync(file, 'from a file');
  const tls = createCertificate(t);
  const trust = createTrust(tls.certFile);
  assert.equal(await read(pathToFileURL(file), trust), 'from a file');
  const server = await startSecureServer(t, tls);
  const secure = new URL(`https://localhost:${server.port}/proxy.pac`);
  assert.equal(await read(secure, trust), 'hello');
  await assert.rejects(read(secure, createTrust()), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  writeFileSync(file, 'x'.repeat(1024 * 1024 + 1));
  await assert.rejects(read(pathToFileURL(file), trust), /larger than 1 MiB/);
  const bad = await serve(t, (request, response) => {
    if (request.url === '/endless') {
      const more = (): void => void (response.write('x'.repeat(65_536)) ? setImmediate(more) : 0);
      response.on('drain', more);
      more();
    } else if (request.url === '/slow') response.write('x');
    else response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  });
  await assert.rejects(read(new URL('/endless', bad), trust), /larger than 1 MiB/);
  await assert.rejects(read(new URL('/slow', bad), trust, 200), /no answer in time/);
  await assert.rejects(read(new URL('/moved', bad), trust), /it answers 302/);
});

test('a script is read again after an hour or when its proxies fail; the old one serves meanwhile', async () => {
  let nowMs = 0;
  let reads = 0;
  let broken = true;
  const pac = createPac({
    address: new URL('https://p.example.test/proxy.pac'),
    read: () => {
      reads += 1;
      return broken ? Promise.reject(new Error('no')) : Promise.resolve(`script ${reads}`);
    },
    runner: { run: (text) => Promise.resolve(text) },
    now: () => nowMs,
  });
  await assert.rejects(
    pac.find(RELAY),
    /proxy script https:\/\/p\.example\.test\/proxy\.pac cannot be read \(no\)/,
  );
  broken = false;
  assert.equal(await pac.find(RELAY), 'script 2');
  nowMs += 3_599_999;
  assert.equal(await pac.find(RELAY), 'script 2');
  nowMs += 1;
  broken = true;
  assert.equal(await pac.find(RELAY), 'script 2');
  broken = false;
  nowMs += 60_000;
  assert.equal(await pac.find(RELAY), 'script 4');
  nowMs += 60_000;
  pac.outdated();
  assert.equal(await pac.find(RELAY), 'script 5');
});

test('each entry of the answer is tried in turn, for requests and for our own calls', async (t) => {
  const tls = createCertificate(t, 'relay.example.test');
  const server = await startSecureServer(t, tls);
  const names = { 'relay.example.test:443': server.port };
  const refuses = await startConnectProxy(t, {
    answer: (socket) => socket.end('HTTP/1.1 403 No\r\n\r\n'),
  });
  const good = await startConnectProxy(t, { names });
  let answer = `PROXY 127.0.0.1:1; PROXY 127.0.0.1:${refuses.port}; PROXY 127.0.0.1:${good.port}; DIRECT`;
  const pac = await serve(t, (_request, response) => response.end(script(`return "${answer}"`)));
  const options = { proxy: `pac+${pac}`, caFile: tls.certFile, env: {} };
  const network = createNetwork(options);
  const url = await startHopServer(t, network.relayPath, RELAY);
  assert.equal(await (await fetch(url)).text(), 'hello');
  assert.deepEqual([refuses.heads.length, good.heads.length], [1, 1]);
  assert.equal(await (await network.fetch(RELAY.href)).text(), 'hello');
  assert.deepEqual([refuses.heads.length, good.heads.length], [1, 2], 'what failed is tried last');
  answer = `PROXY 127.0.0.1:1; PROXY 127.0.0.1:${refuses.port}`;
  await assert.rejects(
    createNetwork(options).fetch(RELAY.href),
    /cannot be reached \(ECONNREFUSED.*; then the proxy .*\(403\)/,
  );
});

test('a script that cannot be read refuses every call; it never means direct', async (t) => {
  const tls = createCertificate(t, 'localhost');
  const pac = await serve(t, (_request, response) => response.writeHead(500).end());
  const network = createNetwork({ proxy: `pac+${pac}`, caFile: tls.certFile, env: {} });
  const url = await startHopServer(t, network.relayPath, RELAY);
  const answer = await fetch(url);
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /the proxy script .*cannot be read \(it answers 500\)/);
  await assert.rejects(network.fetch(RELAY.href), /cannot be read/);
});
