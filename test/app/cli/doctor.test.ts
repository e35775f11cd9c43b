import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { runBundle } from '../../../app/cli/bundle-command.ts';
import { runDoctor } from '../../../app/cli/doctor-command.ts';
import { createLedger } from '../../../audit/ledger.ts';
import { createIdentityProvider, type IdentityProvider } from '../../../demo/idp.ts';
import { tamper, writeRequests } from '../../audit/ledger-dir.ts';
import { startAgent } from '../../support/agent.ts';
import { createCertificate } from '../../support/certificate.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { privateDir } from '../../support/private-dir.ts';
import { startSmallRelay } from '../../support/small-relay.ts';

interface Finding {
  readonly name: string;
  readonly outcome: string;
  readonly detail: string;
  readonly todo?: string;
}

interface Told {
  readonly code: number;
  readonly out: string;
  readonly found: (name: string) => Finding;
}

let idp: IdentityProvider;
before(async () => {
  idp = await createIdentityProvider();
});
after(() => idp.close());

/** Runs `latchkey doctor --json` over a data directory with these settings. */
async function doctor(
  t: TestContext,
  options: {
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly dataDir?: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Told> {
  const dataDir = options.dataDir ?? privateDir(t);
  const settings = { port: 0, ...options.settings };
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
  let out = '';
  const io = {
    out: (text: string) => void (out += text),
    err: () => undefined,
    env: options.env ?? {},
  };
  const code = await runDoctor(['--json', '--data-dir', dataDir], io, false);
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Finding[] };
  assert.equal(ok, code === 0);
  const found = (name: string): Finding => {
    const finding = checks.find((check) => check.name === name);
    assert.ok(finding, name);
    return finding;
  };
  return { code, out, found };
}

const relays = (url: string) => ({ relays: [{ name: 'company', url }] });

async function serving(
  t: TestContext,
  listener: RequestListener,
  tls?: { readonly cert: string; readonly key: string },
): Promise<number> {
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const describing =
  (resource: () => string, date?: () => Date): RequestListener =>
  (request, response) => {
    if (date) response.setHeader('Date', date().toUTCString());
    response.setHeader('Content-Type', 'application/json');
    response.statusCode = request.url === '/.well-known/oauth-protected-resource' ? 200 : 404;
    response.end(
      JSON.stringify({
        resource: resource(),
        authorization_servers: [idp.issuer],
        latchkey: { client_id: 'latchkey-desktop', scopes: ['openid'] },
      }),
    );
  };

test('with everything in order, nothing fails and the exit code is 0', async (t) => {
  const relay = await startSmallRelay(idp.issuer);
  t.after(() => relay.close());
  const agent = await startAgent(relay.url);
  t.after(() => agent.close());
  await agent.signIn('alice');
  const { code, out, found } = await doctor(t, { dataDir: agent.dataDir });
  assert.equal(code, 0, out);
  for (const name of ['app', 'local-port', 'audit', 'relay-tls', 'relay-metadata', 'provider']) {
    assert.equal(found(name).outcome, 'ok', JSON.stringify(found(name)));
  }
  assert.match(found('local-port').detail, /Latchkey itself holds port \d+/);
  assert.match(found('session').detail, /^signed in, the access token lasts \d+ more min/);
  assert.match(found('clock').detail, /agrees with the relay, agrees with the identity provider/);
  assert.equal(found('tool-keys').outcome, 'ok');
  assert.match(
    found('token').detail,
    /^the access token is .* it lives \d+ min, and the relay takes it$/,
  );
  assert.equal(found('data-directory').outcome, 'ok', found('data-directory').detail);
  assert.doesNotMatch(out, /alice|eyJ/i);

  let shown = '';
  const io = { out: (text: string) => void (shown += text), err: () => undefined, env: {} };
  const line = { level: 30, msg: 'Alice, alice@demo.example, is signed in' };
  writeFileSync(join(agent.dataDir, 'latchkey.log'), JSON.stringify(line), { mode: 0o600 });
  const output = join(privateDir(t), 'bundle.json');
  const args = ['--data-dir', agent.dataDir, '--output', output, '--yes'];
  assert.equal(await runBundle(args, io), 0);
  assert.match(shown, /"kind": "sign-in"/);
  assert.doesNotMatch(shown, /alice|eyJ/i);
});

test('without the app, what needs it is skipped and says why; exit 1', async (t) => {
  const { code, found } = await doctor(t, {});
  assert.equal(code, 1);
  assert.match(found('app').todo ?? '', /Start the app/);
  assert.equal(found('session').outcome, 'skip');
  assert.match(found('session').detail, /needs app/);
  assert.equal(found('relay-address').outcome, 'fail');
  for (const name of ['relay-dns', 'relay-tls', 'relay-metadata', 'provider', 'clock']) {
    assert.equal(found(name).outcome, 'skip', name);
  }
});

test('a certificate of an unknown authority: who issued it, why not, network.caFile helps', async (t) => {
  const certificate = createCertificate(t, 'relay.example.com');
  let port = 0;
  const names = describing(() => `https://localhost:${port}`);
  port = await serving(t, names, certificate);
  const settings = relays(`https://localhost:${port}`);

  const unknown = (await doctor(t, { settings })).found;
  assert.equal(unknown('relay-tls').outcome, 'fail');
  assert.match(
    unknown('relay-tls').detail,
    /authority is not known here \(DEPTH_ZERO_SELF_SIGNED_CERT\): certificate of "relay\.example\.com", issued by "relay\.example\.com", ends in \d days/,
  );
  assert.match(unknown('relay-tls').todo ?? '', /network\.caFile.*proxy on the way looks into TLS/);
  assert.equal(unknown('relay-metadata').outcome, 'skip');

  const network = { caFile: certificate.certFile };
  const known = (await doctor(t, { settings: { ...settings, network } })).found;
  // Two days are few.
  assert.equal(known('relay-tls').outcome, 'warn');
  assert.match(known('relay-tls').detail, /TLSv1\.3 to .*; its authority is not a public one/);
  assert.equal(known('relay-metadata').outcome, 'ok', known('relay-metadata').detail);
  assert.equal(known('provider').outcome, 'ok', known('provider').detail);
});

test('a certificate for another name is told with the names that it has', async (t) => {
  const certificate = createCertificate(t);
  const server = createTlsServer(certificate).listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const network = { caFile: certificate.certFile };
  const settings = { ...relays(`https://127.0.0.2:${port}`), network };
  const { found } = await doctor(t, { settings });
  assert.match(
    found('relay-tls').detail,
    /for other names \(.*DNS:localhost.*ERR_TLS_CERT_ALTNAME_INVALID/,
  );
});

test('network.caFile without a certificate is told', async (t) => {
  const caFile = join(privateDir(t), 'ca.pem');
  writeFileSync(caFile, 'nothing');
  const port = await serving(t, () => undefined);
  const settings = { ...relays(`https://127.0.0.1:${port}`), network: { caFile } };
  const { found } = await doctor(t, { settings });
  assert.match(found('relay-tls').detail, /network\.caFile: .* holds no certificate/);
});

test('a relay behind a proxy is checked through it; a refusal of the proxy is told without the password', async (t) => {
  const certificate = createCertificate(t, 'relay.example.com');
  const port = await serving(
    t,
    describing(() => 'https://relay.example.com'),
    certificate,
  );
  const names = { 'relay.example.com:443': port };
  const proxy = await startConnectProxy(t, { names, auth: 'helen:Sesame1' });
  const at = (credentials: string) => ({
    ...relays('https://relay.example.com'),
    network: {
      proxy: proxy.url.replace('//', `//${credentials}@`),
      caFile: certificate.certFile,
    },
  });
  const good = await doctor(t, { settings: at('helen:Sesame1') });
  assert.match(good.found('relay-dns').detail, /looked up by the proxy/);
  assert.match(good.found('relay-tls').detail, /TLSv1\.3 to relay\.example\.com through http:/);
  assert.equal(good.found('relay-metadata').outcome, 'ok', good.found('relay-metadata').detail);

  const bad = await doctor(t, { settings: at('helen:Sesame2') });
  assert.equal(bad.found('relay-tls').outcome, 'fail');
  assert.match(bad.found('relay-tls').detail, new RegExp(`${proxy.port}.*password`));
  assert.doesNotMatch(good.out + bad.out, /helen|Sesame/);
});

test('a clock that is off by a minute is a warning, by five a failure', async (t) => {
  for (const [seconds, outcome] of [
    [-300, 'fail'],
    [60, 'warn'],
    [300, 'fail'],
  ] as const) {
    let port = 0;
    const shifted = () => new Date(Date.now() + seconds * 1000);
    port = await serving(
      t,
      describing(() => `http://127.0.0.1:${port}`, shifted),
    );
    const { found } = await doctor(t, { settings: relays(`http://127.0.0.1:${port}`) });
    assert.equal(found('clock').outcome, outcome, found('clock').detail);
    const way = seconds > 0 ? 'behind' : 'ahead of';
    assert.match(found('clock').detail, new RegExp(`\\d+ s ${way} the relay`));
    assert.match(found('clock').todo ?? '', /date and time/);
  }
});

test('something that is no relay: why; its clock is read all the same', async (t) => {
  const port = await serving(t, (_request, response) => response.end('<html>'));
  const { found } = await doctor(t, { settings: relays(`http://127.0.0.1:${port}`) });
  assert.equal(found('relay-metadata').outcome, 'fail');
  assert.match(found('relay-metadata').detail, /its answer is not JSON/);
  assert.equal(found('provider').outcome, 'skip');
  assert.equal(found('clock').outcome, 'ok');
});

test('a provider that is down fails by itself', async (t) => {
  const relay = await startSmallRelay('http://127.0.0.1:1');
  t.after(() => relay.close());
  const { found } = await doctor(t, { settings: relays(relay.url) });
  assert.equal(found('relay-metadata').outcome, 'ok');
  assert.equal(found('provider').outcome, 'fail');
  assert.match(found('provider').detail, /connection refused/);
});

test('a relay that nobody listens for, and one whose name there is not', async (t) => {
  const refused = await doctor(t, { settings: relays('http://127.0.0.1:1') });
  assert.match(refused.found('relay-tls').detail, /connection refused/);
  const unknown = await doctor(t, { settings: relays('https://relay.invalid') });
  assert.equal(unknown.found('relay-dns').outcome, 'fail');
  assert.equal(unknown.found('relay-tls').outcome, 'skip');
});

test('a squatter on the port is named, and another port offered', async (t) => {
  const code =
    "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
  const squatter = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => squatter.kill('SIGKILL'));
  const [line] = (await once(squatter.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const { found } = await doctor(t, { settings: { port } });
  assert.equal(found('local-port').outcome, 'fail');
  const who = process.platform === 'linux' ? `\\(process ${squatter.pid}\\)` : '';
  assert.match(found('local-port').detail, new RegExp(`^port ${port} is held by .*${who}`));
  assert.match(found('local-port').todo ?? '', /set `port` in settings\.json to \d+/);

  const policy = join(privateDir(t), 'policy.json');
  writeFileSync(policy, JSON.stringify({ port }));
  const locked = await doctor(t, { env: { LATCHKEY_POLICY_FILE: policy } });
  assert.match(locked.found('local-port').todo ?? '', /ask your administrator for another one/);
});

test('a changed audit record is found, and the audit is not touched', async (t) => {
  const dataDir = privateDir(t);
  const ledger = createLedger({ dir: join(dataDir, 'audit'), side: 'app' });
  await writeRequests(ledger, 5);
  await ledger.close();
  assert.equal((await doctor(t, { dataDir })).found('audit').outcome, 'ok');
  tamper(join(dataDir, 'audit'), (db) => {
    db.exec(`UPDATE records SET body = body || ' ' WHERE seq = 3`);
  });
  const segment = join(dataDir, 'audit', 'audit-000001.sqlite');
  const before = readFileSync(segment);
  const { code, found } = await doctor(t, { dataDir });
  assert.equal(code, 1);
  assert.match(found('audit').detail, /record 3: its contents were changed/);
  assert.deepEqual(readFileSync(segment), before);
});

test('an audit too large for a check is left to `latchkey audit verify`', async (t) => {
  const dataDir = privateDir(t);
  mkdirSync(join(dataDir, 'audit'), { mode: 0o700 });
  const segment = join(dataDir, 'audit', 'audit-000001.sqlite');
  writeFileSync(segment, '', { mode: 0o600 });
  truncateSync(segment, 50 * 1024 * 1024);
  const { found } = await doctor(t, { dataDir });
  assert.equal(found('audit').outcome, 'skip');
  assert.match(found('audit').detail, /latchkey audit verify/);
});

test('a data directory that others may enter is a failure, a file that they may read a warning', async (t) => {
  const dataDir = privateDir(t);
  writeFileSync(join(dataDir, 'tool-keys.json'), '{}', { mode: 0o644 });
  const loose = (await doctor(t, { dataDir })).found('data-directory');
  assert.equal(loose.outcome, 'warn');
  assert.match(loose.detail, /tool-keys\.json/);
  chmodSync(dataDir, 0o755);
  const open = (await doctor(t, { dataDir })).found('data-directory');
  assert.equal(open.outcome, 'fail');
  assert.match(open.todo ?? '', /chmod 700/);
});

test('proxy variables are told without their password; NO_PROXY must cover localhost', async (t) => {
  const HTTP_PROXY = 'http://helen:Sesame1@proxy.example.com:3128';
  const without = await doctor(t, { env: { HTTP_PROXY, NO_PROXY: '.example.org' } });
  const finding = without.found('proxy-variables');
  assert.equal(finding.outcome, 'warn');
  assert.match(finding.detail, /HTTP_PROXY is proxy\.example\.com:3128; NO_PROXY lacks localhost/);
  assert.doesNotMatch(without.out, /helen|Sesame1/);
  for (const NO_PROXY of ['localhost,127.0.0.1', '*', 'a.example localhost, 127.0.0.0/8']) {
    const { found } = await doctor(t, { env: { HTTP_PROXY, NO_PROXY } });
    assert.equal(found('proxy-variables').outcome, 'ok', NO_PROXY);
  }
});

test('faults of the settings are a warning that names them', async (t) => {
  const { found } = await doctor(t, { settings: { fly: true } });
  assert.equal(found('settings').outcome, 'warn');
  assert.match(found('settings').detail, /fly: is not a setting/);
});
