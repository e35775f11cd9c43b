import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { UpstreamCredentials } from '../../relay/config/api-config.ts';
import { editConfig } from '../support/operator.ts';
import { createRelayBench } from '../support/relay.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { received, startTokenEndpoint, withCredentials } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';

/** All that a client could send in the hope to be taken for the relay, or to keep its token in. */
const spoofed = (token: string): string =>
  [
    `Authorization: Bearer ${token}`,
    'Proxy-Authorization: Basic c3Bvb2ZlZA==',
    'X-Latchkey-Authorization: Bearer spoofed',
    'X-Api-Key: spoofed',
    'x_api_key: spoofed',
    'X-Amz-Security-Token: spoofed',
    'Connection: close, Authorization, X-Api-Key, X-Amz-Date',
  ].join('\r\n');

const endpoint = (url: string) => ({
  url,
  clientId: 'relay',
  authentication: { kind: 'client_secret_basic', secret: 'client-secret' } as const,
  scopes: [],
  timeoutMs: 60_000,
});

const kinds: readonly ((url: string) => UpstreamCredentials)[] = [
  () => ({ kind: 'basic', username: 'legacy', password: 'own-password' }),
  () => ({ kind: 'bearer', token: 'own-token' }),
  () => ({ kind: 'header', name: 'X-Api-Key', value: 'own-key' }),
  () => ({
    kind: 'awsSigV4',
    region: 'eu-central-1',
    service: 'execute-api',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'own-aws-secret',
  }),
  (url) => ({ kind: 'clientCredentials', endpoint: endpoint(url) }),
  (url) => ({ kind: 'tokenExchange', endpoint: endpoint(url) }),
];

for (const kind of kinds)
  void test(`a client gets neither its token nor its own credentials through: ${kind('').kind}`, async (t) => {
    const tokens = await startTokenEndpoint(t);
    const credentials = kind(tokens.url);
    const bench = await createRelayBench(t, { config: withCredentials(credentials) });
    const token = await bench.token();
    const trailers = 'Authorization: spoofed\r\nX-Api-Key: spoofed\r\nX-Amz-Date: spoofed\r\n';
    const answer = await sendRaw(
      bench.relay.url,
      `POST /x/a HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\n${spoofed(token)}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers}\r\n`,
    );
    assert.equal(statusOf(answer), 200, answer);
    const arrived = bench.upstream.received().join('');
    assert.ok(!arrived.includes(token));
    const name = credentials.kind === 'header' ? 'X-Api-Key' : 'Authorization';
    const values = received([arrived], name);
    assert.equal(values.length, 1, arrived);
    // Where it is not the API's credential, X-Api-Key is a field like any other.
    const others =
      credentials.kind === 'header' ? arrived : arrived.replace(/^x.api.key: .*/gim, '');
    if (credentials.kind === 'awsSigV4') assert.ok(!/^x-amz-.*spoofed/im.test(others), others);
    else assert.ok(!others.replace(/^x-amz-.*/gim, '').includes('spoofed'), others);
    const told = bench.log.join('');
    for (const secret of ['own-', 'client-secret', token, 'spoofed'])
      assert.ok(!told.includes(secret), secret);
  });

void test("the tool's own Authorization reaches an API that is to have it, and no other way", async (t) => {
  const bench = await createRelayBench(t, { api: '    request: { passAuthorization: true }' });
  const head = `GET /x/a HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nConnection: close\r\n`;
  const token = await bench.token();
  const ask = (fields: string) =>
    sendRaw(bench.relay.url, `${head}Authorization: Bearer ${token}\r\n${fields}\r\n`);
  assert.equal(statusOf(await ask('X-Latchkey-Authorization: Basic dG9vbA==\r\n')), 200);
  assert.deepEqual(received(bench.upstream.received(), 'Authorization'), ['Basic dG9vbA==']);
  assert.equal(statusOf(await ask('')), 200);
  assert.equal(received(bench.upstream.received(), 'Authorization').length, 1);
  assert.ok(!bench.upstream.received().join('').includes(token));
});

void test('a relay whose file wants both the credentials and the tool’s Authorization does not start', async (t) => {
  const tokens = await startTokenEndpoint(t);
  let wanted = false;
  const both = withCredentials(
    { kind: 'clientCredentials', endpoint: endpoint(tokens.url) },
    { passAuthorization: true },
  );
  const bench = await createRelayBench(t, {
    config: (config) => (wanted ? both(config) : config),
  });
  wanted = true;
  const result = await bench.relay.reload();
  assert.equal(result.kind, 'refused');
  assert.match(JSON.stringify(result), /passAuthorization conflicts with credentials/);
});

void test('a password that is changed on the disk is used by the next request, the old one by none', async (t) => {
  const bench = await createRelayBench(t);
  const dir = dirname(bench.configFile);
  const write = async (password: string): Promise<void> => {
    // In one step: half of it would be another password.
    await writeFile(join(dir, 'p.new'), `${password}\n`, { mode: 0o600 });
    await rename(join(dir, 'p.new'), join(dir, 'p.txt'));
  };
  await write('first-password');
  const credentials = `    request: { credentials: { basic: { username: legacy, passwordFile: p.txt } } }`;
  await editConfig(bench, (yaml) => yaml.replace('\naudit:', `${credentials}\naudit:`));
  const shown = async (): Promise<string> => {
    await fetch(`${bench.relay.url}/x/a`, {
      headers: { authorization: `Bearer ${await bench.token()}` },
    });
    const value = received(bench.upstream.received(), 'Authorization').at(-1) ?? '';
    return Buffer.from(value.replace('Basic ', ''), 'base64').toString();
  };
  const reloads = () => bench.log.filter((line) => line.includes('"event":"reloaded"')).length;
  await until('the relay has reloaded', () => reloads() === 1);
  assert.equal(await shown(), 'legacy:first-password');
  await write('second-password');
  await until('the relay has reloaded again', () => reloads() === 2);
  assert.equal(await shown(), 'legacy:second-password');
  assert.doesNotMatch(bench.log.join(''), /-password/);
});
