import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeConfig } from '../../../relay/config/describe.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { directory, faultLines, GOOD, load, put } from '../../support/relay-yaml.ts';

const DAY_MS = 86_400_000;

test('by default every rule is on, and nobody is told', async (t) => {
  assert.deepEqual((await load(t, GOOD)).anomalies, {
    timezone: 'UTC',
    quietMs: 3_600_000,
    rules: {
      denials: { allowed: 20, perMs: 60_000 },
      sourceDenials: { allowed: 100, perMs: 60_000 },
      tokenReplay: { allowed: 2, perMs: 600_000 },
      newTool: { afterMs: 14 * DAY_MS },
      newNetwork: { afterMs: 14 * DAY_MS },
      volume: { factor: 5, minimum: 300, afterMs: 14 * DAY_MS },
      unusualHour: { afterMs: 14 * DAY_MS },
    },
  });
});

test('each rule can be off, or stricter; off as a whole there are none', async (t) => {
  const config = await load(
    t,
    `${GOOD}anomalies:\n  denials: off\n  volume: { factor: 2.5 }\n  newTool: { after: 30d }\n`,
  );
  const rules = config.anomalies?.rules;
  assert.equal(rules && 'denials' in rules, false);
  assert.deepEqual(rules?.volume, { factor: 2.5, minimum: 300, afterMs: 14 * DAY_MS });
  assert.deepEqual(rules.newTool, { afterMs: 30 * DAY_MS });
  assert.equal((await load(t, `${GOOD}anomalies: off\n`)).anomalies, undefined);
});

test('the webhook has its secret read, which check-config does not print', async (t) => {
  const dir = await directory(t);
  await put(dir, 'secret', 'a long secret\n');
  const webhook = 'webhook: { url: https://alerts.example.com/x, secretFile: secret, timeout: 3s }';
  const file = await put(dir, 'relay.yaml', `${GOOD}anomalies: { ${webhook} }\n`);
  const config = await loadConfig(file, { env: {} });
  assert.deepEqual(config.anomalies?.webhook, {
    url: 'https://alerts.example.com/x',
    secret: 'a long secret',
    tls: {},
    timeoutMs: 3000,
  });
  assert.ok(config.files.includes(join(dir, 'secret')));
  assert.doesNotMatch(describeConfig(config), /a long secret/);
});

test('what makes no sense is refused, each at its place', async (t) => {
  const dir = await directory(t);
  await put(dir, 'secret', 's');
  const secretFile = join(dir, 'secret');
  const cases: [string, RegExp][] = [
    ['on', /anomalies: must be off or/],
    ['{ denials: { allowed: -1 } }', /anomalies\.denials\.allowed: must be a whole number from 0/],
    ['{ denials: { allowed: 1001 } }', /anomalies\.denials\.allowed: must be a whole number/],
    ['{ denials: { per: soon } }', /anomalies\.denials\.per: must be a duration/],
    ['{ denials: { at: 3 } }', /anomalies\.denials\.at: /],
    ['{ denial: off }', /anomalies\.denial: .*denials/],
    ['{ newTool: { after: 1h } }', /anomalies\.newTool\.after: must be a duration .* from 1d/],
    ['{ volume: { factor: 0.5 } }', /anomalies\.volume\.factor: must be a number from 1/],
    ['{ timezone: Mars/Olympus }', /anomalies\.timezone: must be UTC or the name/],
    ['{ webhook: { url: https://a.example } }', /anomalies\.webhook(\.secretFile)?: /],
    [
      `{ webhook: { url: 'http://10.0.0.9/', secretFile: ${secretFile} } }`,
      /anomalies\.webhook\.url: is plain http beyond this machine; use https, or set insecure\.plainSink/,
    ],
  ];
  for (const [value, expected] of cases) {
    const faults = await faultLines(t, `${GOOD}anomalies: ${value}\n`);
    assert.equal(faults.length, 1, `${value}: ${faults.join(' | ')}`);
    assert.match(faults[0] ?? '', expected);
  }
  for (const url of ['http://127.0.0.1:9/', 'https://alerts.example.com/']) {
    const block = `anomalies: { webhook: { url: '${url}', secretFile: ${secretFile} } }`;
    assert.deepEqual(await faultLines(t, `${GOOD}${block}\n`), []);
  }
});
