import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLedger } from '../../../audit/ledger.ts';
import { privateDir } from '../../support/private-dir.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'app', 'cli', 'main.ts');

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function latchkey(dir: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Told> {
  return new Promise((resolve) => {
    const all = { ...process.env, LATCHKEY_DATA_DIR: dir, ...env };
    const child = execFile(process.execPath, [MAIN, ...args], { env: all }, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

void test('the record of the app is exported in each format, unless a policy keeps it where it is', async (t) => {
  const dir = privateDir(t);
  const ledger = createLedger({ dir: join(dir, 'audit'), side: 'app' });
  await ledger.append('sign-in', { user: 'u1', userName: '=HYPERLINK("http://evil.example")' });
  await ledger.close();
  const ofFormat = async (format: string): Promise<string> => {
    const { code, out, err } = await latchkey(dir, {}, 'audit', 'export', '--format', format);
    assert.equal(code, 0, err);
    return out;
  };
  assert.match(await ofFormat('jsonl'), /"kind":"sign-in"/);
  assert.match(await ofFormat('csv'), /,"'=HYPERLINK\(""http:\/\/evil\.example""\)",/);
  assert.match(await ofFormat('ocsf'), /"class_uid":3002/);
  assert.match(await ofFormat('cef'), /^CEF:0\|Latchkey\|Latchkey app\|\d+\.\d+\.\d+\|start\|/);

  const policy = join(dir, 'policy.json');
  for (const value of [false, 'maybe']) {
    writeFileSync(policy, JSON.stringify({ audit: { export: value } }));
    const env = { LATCHKEY_POLICY_FILE: policy };
    const refused = await latchkey(dir, env, 'audit', 'export');
    assert.equal(refused.code, 1);
    assert.equal(refused.out, '');
    assert.ok(refused.err.includes(`turned off by audit.export in ${policy}`), refused.err);
    assert.equal((await latchkey(dir, env, 'audit', 'verify')).code, 0);
  }
});
