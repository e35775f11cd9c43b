import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory, GOOD, put } from '../../support/relay-yaml.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'relay', 'main.ts');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `latchkey-relay` to its end. */
function relay(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const helps: readonly (readonly [argv: readonly string[], usage: RegExp])[] = [
  [['serve', '--help'], /^usage: latchkey-relay \[serve\] --config relay\.yaml\n$/],
  [['check-config', '--help'], /^usage: latchkey-relay check-config .*\[--strict\]\n$/],
  [['schema', '-h'], /^usage: latchkey-relay schema\n$/],
  [['keygen', '--help'], /^usage: latchkey-relay keygen --out FILE .*\n$/],
  [['explain', '--help'], /^usage: latchkey-relay explain .*\n$/],
  [
    ['audit', 'verify', '--help'],
    /^usage: latchkey-relay audit verify .*\(--config relay\.yaml \| --dir DIR\)\n$/,
  ],
  [
    ['audit', '--help'],
    /^usage: latchkey-relay audit verify .*\n( +latchkey-relay audit .*\n){7}$/,
  ],
  [
    ['help', 'audit', 'hold'],
    /^usage: latchkey-relay audit hold add .*\n( +latchkey-relay audit hold .*\n){2}$/,
  ],
  [['--version'], /^\d+\.\d+\.\d+\n$/],
  [['--version', '--json'], /^\{"version":"\d+\.\d+\.\d+"\}\n$/],
  [['--help'], /^usage: latchkey-relay \[serve\] .*\n( +latchkey-relay .*\n){5}$/],
];

test('each command tells how it is called, and that is no fault', async () => {
  for (const [argv, usage] of helps) {
    const { code, out, err } = await relay(...argv);
    assert.deepEqual([code, err], [0, ''], argv.join(' '));
    assert.match(out, usage);
  }
});

test('bad usage says what is wrong, then how the command is called', async (t) => {
  const dir = await directory(t);
  const cases: readonly (readonly [argv: readonly string[], said: RegExp])[] = [
    [
      ['keygen', '--out', join(dir, 'k.pem'), '--type', 'foo'],
      /^there is no type foo: use assertion or checkpoint\nusage: latchkey-relay keygen /,
    ],
    [['schema', 'x'], /^Unexpected argument 'x'.*\nusage: latchkey-relay schema\n$/],
    [['check-config', '--config', ''], /^--config is empty\nusage: latchkey-relay check-config /],
    [['--config='], /^--config is empty\nusage: latchkey-relay \[serve\] /],
    [['audit', 'verify', '--dir', ''], /name the ledger by --config FILE or --dir DIR\nusage: /],
    [['audit', 'verify', '--config='], /name the ledger by --config FILE or --dir DIR\nusage: /],
    [
      ['audit', 'nope'],
      /^no command nope: use verify, export, report, erase, hold, rotate-key\nusage: latchkey-relay audit verify /,
    ],
    [['audit'], /^which audit command\?\nusage: latchkey-relay audit verify /],
    [
      ['audit', 'verify', '--dir', 'a', '--dir=b'],
      /^latchkey-relay audit: --dir is given twice\nusage: latchkey-relay audit /,
    ],
    [
      ['audit', '--config', 'a', 'verify', '--config', 'b'],
      /^latchkey-relay audit: --config is given twice\n/,
    ],
    [
      ['check-config', '--config', 'a', '--config', 'b'],
      /^--config is given twice\nusage: latchkey-relay check-config /,
    ],
    [['check-config', '--strict', '--strict'], /^--strict is given twice\n/],
    [['frobnicate'], /there is no command frobnicate\nusage: latchkey-relay \[serve\] /],
  ];
  for (const [argv, said] of cases) {
    const { code, out, err } = await relay(...argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, said);
  }
  assert.deepEqual(readdirSync(dir), []);
});

test('a relay whose keys are no use says so as a fault of its configuration', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const [name, mode, said] of [
    ['audit.key', 0o600, /audit\.key is not an Ed25519 private key/],
    ['audit.people.key', 0o644, /audit\.people\.key is readable by others: chmod 600 it/],
  ] as const) {
    const dir = await directory(t);
    await put(dir, name, pem, mode);
    const text = `${GOOD}listen: 127.0.0.1:0\naudit: { dir: ./audit }\n`;
    const { code, err } = await relay('--config', await put(dir, 'relay.yaml', text));
    assert.equal(code, 2, err);
    assert.match(err, said);
  }
});
