import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeConfig } from '../../../relay/config/describe.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { createCertificate } from '../../support/certificate.ts';
import { directory, faultLines, GOOD, load, put } from '../../support/relay-yaml.ts';

const traces = (more: string): string => `${GOOD}telemetry: { traces: { ${more} } }\n`;
const URL_OF = 'url: https://collector.example.com/v1/traces';

test('telemetry is off by default; its defaults are modest', async (t) => {
  assert.equal((await load(t, GOOD)).telemetry, undefined);
  assert.deepEqual((await load(t, traces(URL_OF))).telemetry, {
    serviceName: 'latchkey-relay',
    traces: {
      url: 'https://collector.example.com/v1/traces',
      ratio: 0.1,
      headers: {},
      paths: false,
    },
  });
});

test('what is wrong is told', async (t) => {
  const faults = async (more: string): Promise<string> =>
    (await faultLines(t, traces(more))).join('\n');
  assert.match(await faults('ratio: 1'), /telemetry\.traces\.url/);
  assert.match(await faults(`${URL_OF}, ratio: 2`), /ratio: must be a number from 0 to 1/);
  assert.match(await faults(`${URL_OF}, ratio: -0.1`), /ratio: must be a number from 0 to 1/);
  assert.match(await faults(`${URL_OF}, nope: 1`), /nope/);
  assert.match(
    await faults('url: http://collector.example.com/v1/traces'),
    /is plain http beyond this machine; use https, or set insecure\.plainTelemetry/,
  );
  assert.match(await faults('url: "https://u:p@collector.example.com/"'), /without user/);
  assert.match(
    await faults(`${URL_OF}, headerFiles: { X-Key: nowhere.txt }`),
    /headerFiles\.X-Key: the file does not exist/,
  );
  assert.match(
    await faults(`${URL_OF}, headerFiles: { Host: a.txt }`),
    /the relay itself is in charge of/,
  );
});

test('plain http needs its opt-out beyond this machine, which is listed', async (t) => {
  const text = traces('url: http://collector.example.com/v1/traces');
  const config = await load(t, `${text}insecure: { plainTelemetry: true }\n`);
  assert.deepEqual(config.insecure, ['plainTelemetry']);
  assert.deepEqual((await load(t, traces('url: http://127.0.0.1:4318/v1/traces'))).insecure, []);
});

test('keys come from private files, are watched, and never shown', async (t) => {
  const dir = await directory(t);
  const { cert } = createCertificate(t);
  await put(dir, 'key.txt', 'ApiKey secret-of-the-collector\n');
  await put(dir, 'ca.pem', cert, 0o644);
  const file = await put(
    dir,
    'relay.yaml',
    traces(`${URL_OF}, headerFiles: { Authorization: key.txt }, caFile: ca.pem`),
  );
  const config = await loadConfig(file, { env: {} });
  assert.deepEqual(config.telemetry?.traces.headers, {
    Authorization: 'ApiKey secret-of-the-collector',
  });
  assert.equal(config.telemetry?.traces.ca, cert.trimEnd());
  for (const name of ['key.txt', 'ca.pem']) assert.ok(config.files.includes(join(dir, name)), name);
  assert.doesNotMatch(describeConfig(config), /secret-of-the-collector/);
  assert.match(describeConfig(config), /Authorization: "?\*+/);
  await put(dir, 'key.txt', 'x', 0o644);
  await assert.rejects(loadConfig(file, { env: {} }), /can be read or changed by other users/);
});
