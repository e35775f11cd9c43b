import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { doctorText } from '../../../app/main/doctor/doctor-text.ts';
import { appCheck } from '../../../app/main/doctor/app.ts';
import { runChecks, type Check, type Finding } from '../../../app/main/doctor/check.ts';
import { localPortCheck } from '../../../app/main/doctor/local-port.ts';
import { sessionCheck } from '../../../app/main/doctor/session.ts';
import { explainRefusal } from '../../../app/main/doctor/tls-refusal.ts';
import { createNetwork } from '../../../app/main/agent/network/network.ts';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { controlVersion, versionHeader } from '../../../app/main/agent/control/address.ts';
import { freePort } from '../../support/free-port.ts';
import { privateDir } from '../../support/private-dir.ts';

function run(
  checks: readonly Check[],
  dataDir: string,
  timeoutMs = 60_000,
): Promise<readonly Finding[]> {
  const settings = loadSettings({ dataDir, env: {} });
  const network = createNetwork({ env: {} });
  const surroundings = { dataDir, settings, network, env: {}, version: '1.0.0', now: Date.now };
  return runChecks(checks, surroundings, timeoutMs).then(({ findings }) => findings);
}

async function control(t: TestContext, dataDir: string, listener: RequestListener): Promise<void> {
  const server = createServer(listener).listen(join(dataDir, 'control.sock'));
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}

const snapshot = (members: Readonly<Record<string, unknown>>): RequestListener => {
  const whole = { status: 'ready', version: '1.0.0', store: 'memory', apis: [], ...members };
  return (_request, response) => {
    response.setHeader(versionHeader, controlVersion);
    response.end(JSON.stringify(whole));
  };
};

test('a check that hangs, or throws, is a failure; what stands on it is skipped', async (t) => {
  const checks: readonly Check[] = [
    { name: 'app', todo: 'x', run: () => sleep(60_000, undefined, { ref: false }).then(fine) },
    { name: 'session', needs: ['app'], todo: 'x', run: fine },
    { name: 'clock', todo: 'set it', run: () => Promise.reject(new Error('broken')) },
    { name: 'audit', needs: ['session'], todo: 'x', run: fine },
    { name: 'provider', needs: [], todo: 'x', run: fine },
  ];
  const findings = await run(checks, privateDir(t), 50);
  assert.deepEqual(
    findings.map(({ outcome }) => outcome),
    ['fail', 'skip', 'fail', 'skip', 'ok'],
  );
  assert.equal(findings[2]?.todo, 'set it');
});

const fine = () => ({ outcome: 'ok', detail: 'fine' }) as const;

test('an app that accepts and never answers is found out in time', async (t) => {
  const dataDir = privateDir(t);
  let left: Promise<unknown> | undefined;
  await control(t, dataDir, (request) => {
    left = once(request.socket, 'close', { signal: AbortSignal.timeout(60_000) });
  });
  const [finding] = await run([appCheck], dataDir, 5_000);
  assert.equal(finding?.outcome, 'fail');
  assert.ok(left);
  // Else the command would go on waiting for it.
  await left;
});

test('another version of the app: the handshake fails, a mere release only warns', async (t) => {
  const dataDir = privateDir(t);
  await control(t, dataDir, snapshot({ version: '0.9.0' }));
  const [older] = await run([appCheck], dataDir);
  assert.equal(older?.outcome, 'warn');
  assert.match(older?.detail ?? '', /0\.9\.0 is running, this command is 1\.0\.0/);

  const other = privateDir(t);
  await control(t, other, (_request, response) => {
    response.setHeader(versionHeader, '999');
    response.end('{}');
  });
  const [stranger] = await run([appCheck], other);
  assert.equal(stranger?.outcome, 'fail');
  assert.match(stranger?.detail ?? '', /control version 999/);
});

test('another program that answers on the port of the app is no Latchkey', async (t) => {
  const dataDir = privateDir(t);
  const squatter = createServer((_request, response) => response.end('{"status":"ok"}'));
  squatter.listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => {
    squatter.closeAllConnections();
    squatter.close();
  });
  const { port } = squatter.address() as AddressInfo;
  await control(t, dataDir, snapshot({ localUrl: `http://localhost:${port}` }));
  const [, finding] = await run([appCheck, localPortCheck], dataDir);
  assert.equal(finding?.outcome, 'fail');
  assert.match(finding?.detail ?? '', /and not by Latchkey/);
  assert.match(finding?.todo ?? '', /Send nothing to this port/);
});

test('a squatter on the IPv6 address beside Latchkey is found', async (t) => {
  const answering = async (host: string, port: number, body: unknown): Promise<number> => {
    const server = createServer((_request, response) => response.end(JSON.stringify(body)));
    server.listen(port, host);
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  };
  const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === '::1'),
  );
  // A squatter on ::1 needs a ::1: containers may be without IPv6.
  if (!hasIpv6) return t.skip('this computer has no ::1');
  const dataDir = privateDir(t);
  const port = await answering('127.0.0.1', await freePort(), {
    status: 'ready',
    version: '1.0.0',
  });
  await control(t, dataDir, snapshot({ localUrl: `http://localhost:${port}` }));
  const [, alone] = await run([appCheck, localPortCheck], dataDir);
  assert.equal(alone?.outcome, 'ok', alone?.detail);
  await answering('::1', port, { hello: 'tool' });
  const [, beside] = await run([appCheck, localPortCheck], dataDir);
  assert.equal(beside?.outcome, 'fail');
  assert.match(beside?.detail ?? '', /^\[::1\]:\d+ is answered by another program/);
});

test('each state of the session has its outcome, and nobody is named', async (t) => {
  const user = { subject: 'alice', email: 'alice@example.com' };
  for (const [status, outcome] of [
    ['ready', 'ok'],
    ['offline', 'fail'],
    ['expired', 'warn'],
    ['signed-out', 'warn'],
    ['signing-in', 'warn'],
  ]) {
    const dataDir = privateDir(t);
    await control(t, dataDir, snapshot({ status, user }));
    const findings = await run([appCheck, sessionCheck], dataDir);
    assert.equal(findings[1]?.outcome, outcome, status);
    assert.doesNotMatch(JSON.stringify(findings), /alice/);
  }
});

test('what comes from outside cannot steer the terminal', async (t) => {
  const detail = 'certificate of "\u001B]0;x\u0007\u001B[2J\u202Eevil"\nok    forged';
  const hostile: Check = { name: 'relay-tls', todo: 'x', run: () => ({ outcome: 'fail', detail }) };
  const text = doctorText(await run([hostile], privateDir(t)), false);
  for (const steering of ['\u001B', '\u0007', '\u202E']) assert.ok(!text.includes(steering));
  assert.ok(!text.includes('\nok    forged'));
});

test('a mark a line, what to do under each problem, colour only when asked for', () => {
  const findings: readonly Finding[] = [
    { name: 'app', outcome: 'ok', detail: 'runs' },
    { name: 'relay-dns', outcome: 'fail', detail: 'no name', todo: 'check it' },
  ];
  const plain = doctorText(findings, false);
  assert.equal(
    plain,
    'ok    app        runs\nfail  relay-dns  no name\n                 do: check it\n\n1 ok, 0 warn, 1 fail, 0 skip\n',
  );
  assert.ok(doctorText(findings, true).includes('\u001B[31mfail'));
});

test('a refused certificate is explained by its reason', () => {
  const words = (code: string, isPublic: boolean): string => {
    const { reason, todo } = explainRefusal({ code, isPublic, names: 'DNS:a.example' });
    return `${reason}: ${todo}`;
  };
  assert.match(words('UNABLE_TO_VERIFY_LEAF_SIGNATURE', true), /whole chain/);
  assert.match(words('SELF_SIGNED_CERT_IN_CHAIN', false), /network\.caFile/);
  assert.match(words('CERT_HAS_EXPIRED', true), /expired.*date and time/);
  assert.match(words('CERT_NOT_YET_VALID', true), /not valid yet.*date and time/);
  assert.match(words('ERR_TLS_CERT_ALTNAME_INVALID', true), /DNS:a\.example/);
  assert.match(words('CERT_REVOKED', true), /not accepted/);
});
