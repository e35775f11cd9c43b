import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { allRecords } from '../audit/ledger-dir.ts';
import {
  editConfig,
  logged,
  managementPage,
  postReload,
  readMetrics,
  writeKeyPair,
} from '../support/operator.ts';
import { createRawUpstream, type RawUpstream } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

async function get(bench: RelayBench, path = '/x/1', token?: string): Promise<number> {
  const authorization = `Bearer ${token ?? (await bench.token())}`;
  const answer = await fetch(bench.relay.url + path, { headers: { authorization } });
  await answer.arrayBuffer();
  return answer.status;
}

/** Begins an answer on `/slow` and ends it when told. */
async function slowUpstream(): Promise<RawUpstream & { readonly finish: () => void }> {
  const waiting: (() => void)[] = [];
  const upstream = await createRawUpstream((socket, bytes) => {
    if (!bytes.startsWith('GET /slow')) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegin');
    waiting.push(() => socket.write('-done'));
  });
  return { ...upstream, finish: () => waiting.splice(0).forEach((end) => end()) };
}

async function beginSlow(bench: RelayBench): Promise<Response> {
  return await fetch(`${bench.relay.url}/x/slow`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
  });
}

async function temporary(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-reload-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('20 reloads during 2,000 requests refuse none and drop none; a download goes on', async (t) => {
  const upstream = await slowUpstream();
  // The download is silent for as long as all the rest takes.
  const bench = await createRelayBench(t, { upstream, api: '    timeouts: { idle: 1h }' });
  const download = await beginSlow(bench);
  const token = await bench.token({ exp: Math.floor(Date.now() / 1000) + 3_600 });
  const statuses: number[] = [];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  t.after(() => agent.destroy());
  const one = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      http
        .get(`${bench.relay.url}/x/1`, { agent, headers }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
          answer.on('error', reject);
        })
        .on('error', reject);
    });
  let left = 2_000;
  const reloaded = new AbortController();
  const worker = async (): Promise<void> => {
    while (left-- > 0 || !reloaded.signal.aborted) statuses.push(await one());
  };
  const load = Promise.all(Array.from({ length: 16 }, worker));
  const hashes = new Set<string>();
  for (let round = 1; round <= 20; round++) {
    if (round === 10) {
      const good = await editConfig(bench, (text) => `${text}\nnonsense: 1\n`);
      assert.equal((await postReload(bench)).status, 422);
      await editConfig(bench, () => good);
    }
    await editConfig(bench, (text) => `${text}\n# ${round}`);
    const { status, hash } = await postReload(bench);
    assert.equal(status, 200);
    hashes.add(hash ?? '');
  }
  reloaded.abort();
  await load;
  upstream.finish();
  assert.equal(hashes.size, 20);
  assert.ok(statuses.length >= 2_000);
  assert.deepEqual([...new Set(statuses)], [200]);
  assert.equal(await download.text(), 'begin-done');
  const records = await allRecords(bench.auditDir);
  const used = new Set(records.filter(({ api }) => api === 'x').map((record) => record.configHash));
  used.delete(undefined);
  assert.ok(used.size > 2, `${used.size} configurations decided`);
});

test('a bad file changes nothing and says why, until it is corrected', async (t) => {
  const bench = await createRelayBench(t);
  const { body: before } = await managementPage(bench, '/config');
  const good = await editConfig(
    bench,
    (text) => `${text.replace('path: /x', 'path: nowhere')}\nnonsense: 1\n`,
  );
  const refused = await postReload(bench);
  assert.deepEqual([refused.status, refused.code], [422, 'reload_failed']);
  assert.deepEqual(refused.faults?.map(({ path }) => path).sort(), ['apis.x.path', 'nonsense']);
  assert.equal(await get(bench), 200);
  const ready = await managementPage(bench, '/readyz');
  assert.equal(ready.status, 200);
  assert.match(
    JSON.stringify(ready.body),
    /"name":"config","ok":true,"detail":"last reload failed/,
  );
  const { body: shown } = await managementPage(bench, '/config');
  assert.equal(shown['hash'], before['hash']);
  assert.match(JSON.stringify(shown['lastReloadFailure']), /apis\.x\.path/);
  assert.equal((await readMetrics(bench)).get('latchkey_config_reload_failed'), 1);
  assert.match(JSON.stringify(logged(bench, 'reload_failed')), /nonsense/);

  await editConfig(bench, () => good);
  assert.deepEqual(await postReload(bench), { status: 200, hash: before['hash'], changed: false });
  const { body: after } = await managementPage(bench, '/config');
  assert.deepEqual(after, before);
  assert.equal((await readMetrics(bench)).get('latchkey_config_reload_failed'), 0);
});

test('a change of the file takes effect by itself, with its rules, and is recorded first', async (t) => {
  const bench = await createRelayBench(t);
  assert.equal(await get(bench), 200);
  await editConfig(bench, (text) => text.replace('scopes: [read]', 'scopes: [write]'));
  await until('the relay has reloaded', () => logged(bench, 'reloaded').length === 1);
  assert.equal(await get(bench), 403);
  const { body } = await managementPage(bench, '/config');
  assert.equal(logged(bench, 'reloaded')[0]?.['hash'], body['hash']);
  const records = await allRecords(bench.auditDir);
  const at = records.findIndex(
    ({ kind, configHash }) => kind === 'config' && configHash === body['hash'],
  );
  const first = records.findIndex(({ code }) => code === 'scope');
  assert.ok(at > 0 && at < first, `config is record ${at}, the first decision ${first}`);
  assert.match(records[at]?.detail ?? '', /"cause":"file"/);
  assert.equal(records[first]?.configHash, body['hash']);
});

test('a secret is read again when its file changes, under the same hash', async (t) => {
  const dir = await temporary(t);
  const secret = join(dir, 'token.txt');
  await writeFile(secret, 'first', { mode: 0o600 });
  const bench = await createRelayBench(t, {
    api: `    request: { credentials: { bearerFile: ${secret} } }`,
  });
  await get(bench);
  const { body } = await managementPage(bench, '/config');
  await writeFile(`${secret}.new`, 'second', { mode: 0o600 });
  renameSync(`${secret}.new`, secret);
  await until('the relay has reloaded', () => logged(bench, 'reloaded').length === 1);
  await get(bench);
  assert.match(bench.upstream.received().join(''), /Authorization: Bearer first[^]*Bearer second/);
  assert.equal(logged(bench, 'reloaded')[0]?.['hash'], body['hash']);
  await chmod(secret, 0o644);
  await until('the failed reload is told', () => logged(bench, 'reload_failed').length === 1);
  await get(bench);
  assert.equal(
    bench.upstream
      .received()
      .join('')
      .match(/Bearer second/g)?.length,
    2,
  );
  const text = bench.log.join('') + JSON.stringify(await managementPage(bench, '/config'));
  assert.doesNotMatch(text, /first|second/);
});

test('what a running process is bound to asks for a restart', async (t) => {
  const bench = await createRelayBench(t);
  await editConfig(bench, (text) =>
    text
      .replace('listen: 127.0.0.1:0\n', 'listen: 127.0.0.1:1\n')
      .replace('management: { listen: 127.0.0.1:0 }', 'management: { listen: 127.0.0.1:2 }')
      .replace('dir: ./audit', 'dir: ./elsewhere'),
  );
  const { status, faults } = await postReload(bench);
  assert.equal(status, 422);
  assert.deepEqual(
    faults?.map(({ path }) => path),
    ['listen', 'management.listen', 'audit.dir'],
  );
  for (const { message } of faults ?? []) assert.match(message, /restart/);
});

test('without a record there is no new configuration', async (t) => {
  const bench = await createRelayBench(t);
  const hash = async (): Promise<unknown> => (await managementPage(bench, '/config')).body['hash'];
  const before = await hash();
  renameSync(bench.auditDir, `${bench.auditDir}.away`);
  const good = await editConfig(bench, (text) => text.replace('scopes: [read]', 'scopes: [other]'));
  const { status, faults } = await postReload(bench);
  assert.equal(status, 422);
  assert.match(faults?.[0]?.message ?? '', /audit/);
  assert.equal(await hash(), before);
  // Before there is room for a record again: the relay tries by itself, too.
  await editConfig(bench, () => good);
  renameSync(`${bench.auditDir}.away`, bench.auditDir);
  await until('the old rules serve', async () => (await get(bench)) === 200);
});

test('an issuer that is down stays known through a reload that changes what it is trusted for', async (t) => {
  const bench = await createRelayBench(t);
  const token = await bench.token({ other: 'ann' });
  assert.equal(await get(bench, '/x/1', token), 200);
  bench.issuer.down();
  await editConfig(bench, (text) =>
    text.replace('algorithms: [ES256]', 'algorithms: [ES256]\n    clockTolerance: 10s'),
  );
  assert.equal((await postReload(bench)).status, 200);
  assert.equal(await get(bench, '/x/1', token), 200);
});

test("an old generation's connections live until its last exchange ends, and no longer", async (t) => {
  const upstream = await slowUpstream();
  const other = await createRawUpstream();
  t.after(() => other.close());
  const bench = await createRelayBench(t, { upstream });
  const download = await beginSlow(bench);
  await get(bench);
  await editConfig(bench, (text) => text.replace(upstream.url, other.url));
  assert.equal((await postReload(bench)).status, 200);
  assert.equal(await get(bench), 200);
  assert.equal(other.requests(), 1);
  assert.ok(upstream.open() > 0, 'the download still has its connection');
  upstream.finish();
  assert.equal(await download.text(), 'begin-done');
  await until('the upstream is free', () => upstream.open() === 0);
});

test('the certificate is replaced for new connections; a broken pair is not', async (t) => {
  const dir = await temporary(t);
  const [cert, key] = [join(dir, 'relay.crt'), join(dir, 'relay.key')];
  writeKeyPair(cert, key, 'before');
  const bench = await createRelayBench(t, { top: `tls: { certFile: ${cert}, keyFile: ${key} }` });
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(bench.relay.url);
      const socket = tlsConnect(
        { host: hostname, port: Number(port), ca: readFileSync(cert) },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });
  assert.equal(await subject(), 'before');
  writeKeyPair(join(dir, 'next.crt'), join(dir, 'next.key'), 'after');
  await copyFile(cert, join(dir, 'old.crt'));
  await copyFile(join(dir, 'next.crt'), cert);
  const refused = await postReload(bench);
  assert.equal(refused.status, 422);
  assert.match(refused.faults?.[0]?.message ?? '', /the key that it was made for/);
  await copyFile(join(dir, 'next.key'), key);
  assert.equal((await postReload(bench)).status, 200);
  assert.equal(await subject(), 'after');
});

test('reloads asked for at once follow each other, and all are answered', async (t) => {
  const bench = await createRelayBench(t);
  await editConfig(bench, (text) => `${text}\n# changed`);
  const answers = await Promise.all(Array.from({ length: 8 }, () => postReload(bench)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(new Set(answers.map(({ hash }) => hash)).size, 1);
  const adopted = (await allRecords(bench.auditDir)).filter(({ kind }) => kind === 'config');
  assert.equal(adopted.length, 2);
});
