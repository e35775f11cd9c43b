import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
let clone: string;

/** A clone in miniature, and an npm that only notes that it was called and does as it is told. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'latchkey-bootstrap-'));
  mkdirSync(join(clone, 'build'));
  cpSync(join(root, 'build/bootstrap.mjs'), join(clone, 'build/bootstrap.mjs'));
  writeJson('package-lock.json', {
    packages: {
      '': { name: 'latchkey' },
      'node_modules/node': { version: '24.0.0', integrity: 'sha512-node' },
      'node_modules/other-platform': { version: '1.0.0', integrity: 'sha512-o', optional: true },
    },
  });
  writeFileSync(
    join(clone, 'npm.cjs'),
    `const fs = require('fs'); const path = require('path');
     console.log('npm was called with ' + process.argv.slice(2).join(' '));
     if (process.env.NPM_FAILS) process.exit(1);
     fs.mkdirSync('node_modules/node/bin', { recursive: true });
     fs.rmSync('node_modules/node/bin/node', { force: true });
     fs.symlinkSync(process.execPath, 'node_modules/node/bin/node');
     const lock = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
     delete lock.packages[''];
     for (const [name, entry] of Object.entries(lock.packages)) if (entry.optional) delete lock.packages[name];
     fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify(lock));`,
  );
  writeFileSync(
    join(clone, 'script.mjs'),
    `if (process.argv[2] === 'wait') process.on('SIGTERM', () => process.exit(9));
     console.log(JSON.stringify(process.argv.slice(2)));
     if (process.argv[2] === 'wait') setTimeout(() => {}, 150_000);
     else process.exit(Number(process.argv[2] ?? 0));`,
  );
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function writeJson(path: string, value: unknown): void {
  writeFileSync(join(clone, path), JSON.stringify(value));
}

function install(version = '24.0.0'): void {
  mkdirSync(join(clone, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, join(clone, 'node_modules/node/bin/node'));
  writeJson('node_modules/.package-lock.json', {
    packages: { 'node_modules/node': { version, integrity: 'sha512-node' } },
  });
}

async function bootstrap(args: readonly string[], options: { env?: object; kill?: boolean } = {}) {
  const child = spawn(process.execPath, [join(clone, 'build/bootstrap.mjs'), ...args], {
    env: { ...process.env, npm_execpath: join(clone, 'npm.cjs'), ...options.env },
    timeout: 120_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (options.kill === true) child.kill('SIGTERM');
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('build/bootstrap.mjs', () => {
  it('installs in a fresh clone, keeps stdout clean and passes arguments and exit code on', async () => {
    const { code, stdout, stderr } = await bootstrap(['script.mjs', '7', '--flag']);
    assert.match(stderr, /dependencies are not installed/);
    assert.match(stderr, /npm was called with ci/);
    assert.equal(stdout, '["7","--flag"]\n');
    assert.equal(code, 7);
  });

  it('does not call npm when what is installed is what the lock file says', async () => {
    install();
    const { code, stdout, stderr } = await bootstrap(['script.mjs', '0']);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '["0"]\n', stderr: '' });
  });

  it('installs again when a package is not of the locked version', async () => {
    install('23.0.0');
    const { code, stderr } = await bootstrap(['script.mjs', '0']);
    assert.match(stderr, /node_modules\/node is not 24\.0\.0; running npm ci/);
    assert.equal(code, 0);
  });

  it('says what to do when the installation fails', async () => {
    const { code, stdout, stderr } = await bootstrap(['script.mjs'], { env: { NPM_FAILS: '1' } });
    assert.match(stderr, /npm ci failed .* check the network/);
    assert.equal(stdout, '');
    assert.equal(code, 1);
  });

  it('forwards SIGTERM and the exit code that follows', async () => {
    install();
    const { code } = await bootstrap(['script.mjs', 'wait'], { kill: true });
    assert.equal(code, 9);
  });

  it('ends its script when the shell between npm and it is killed', async () => {
    install();
    const shell = spawn(
      'sh',
      ['-c', `"${process.execPath}" build/bootstrap.mjs script.mjs wait; true`],
      {
        cwd: clone,
        env: { ...process.env, npm_lifecycle_event: 'start' },
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    shell.stdout.once('data', () => shell.kill('SIGKILL'));
    // The pipe closes only when the script, which holds it too, has ended.
    await once(shell.stdout, 'end', { signal: AbortSignal.timeout(100_000) });
  });
});
