import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { skipWithout, useTools, type Ran } from '../../support/tools.ts';

const manifest = { name: 'tiny', version: '1.0.0', main: 'index.js' };

/** The package as npm packs it: a folder named `package`. */
function pack(): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-npm-'));
  try {
    mkdirSync(join(dir, 'package'));
    writeFileSync(join(dir, 'package', 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(dir, 'package', 'index.js'), "module.exports = 'tiny';\n");
    execFileSync('tar', ['-czf', join(dir, 'tiny.tgz'), '-C', dir, 'package']);
    return readFileSync(join(dir, 'tiny.tgz'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const tarball = pack();
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
const INTERNAL = 'http://registry.internal.example.com/npm';
/** Under which address the registry believes to be reached: it writes it into its answers. */
let publicUrl = INTERNAL;
const paths: string[] = [];

function registry(request: IncomingMessage, response: ServerResponse): void {
  paths.push(request.url ?? '');
  const path = request.url?.replace(/^\/npm/, '');
  const dist = { tarball: `${publicUrl}/tiny/-/tiny-1.0.0.tgz`, integrity };
  const versions = { '1.0.0': { ...manifest, dist } };
  const tiny = { name: 'tiny', 'dist-tags': { latest: '1.0.0' }, versions };
  if (path === '/tiny/-/tiny-1.0.0.tgz') response.end(tarball);
  else if (path !== '/tiny') response.writeHead(404).end('{}');
  else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(tiny));
}

describe('npm', { skip: skipWithout('npm', 'npm') }, () => {
  const bench = useTools(
    { name: 'npm', server: createServer(registry), keepsPath: true },
    { name: 'packages', server: createServer(registry) },
  );
  const npm = (folder: string, args: string[], env = {}): Promise<Ran> => {
    const { home, localhost, run } = bench();
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--fetch-retries=0'];
    const where = ['--prefix', join(home, folder), '--cache', join(home, `${folder}-cache`)];
    return run('npm', [`--registry=${localhost}/npm/`, ...quiet, ...where, ...args], { env });
  };
  const install = async (folder: string, args: string[] = [], env = {}): Promise<void> => {
    const { home } = bench();
    await mkdir(join(home, folder));
    paths.length = 0;
    const { code, stderr } = await npm(folder, ['install', 'tiny', ...args], env);
    assert.equal(code, 0, stderr);
    const installed = join(home, folder, 'node_modules', 'tiny', 'index.js');
    assert.equal(await readFile(installed, 'utf8'), "module.exports = 'tiny';\n");
  };

  test('installs from a registry that knows its local address', async () => {
    publicUrl = `${bench().localhost}/npm`;
    await install('known');
    assert.deepEqual(paths, ['/npm/tiny', '/npm/tiny/-/tiny-1.0.0.tgz']);
  });

  test('installs from one that names its internal address, with replace-registry-host', async () => {
    publicUrl = INTERNAL;
    await install('unknown', ['--replace-registry-host=always']);
    assert.deepEqual(paths, ['/npm/tiny', '/npm/tiny/-/tiny-1.0.0.tgz']);
  });

  test('installs by the inside name, with the local port as HTTP_PROXY', async () => {
    publicUrl = 'http://packages.internal.example.com';
    await install('inside', [`--registry=${publicUrl}`], { HTTP_PROXY: bench().localhost });
    assert.deepEqual(paths, ['/tiny', '/tiny/-/tiny-1.0.0.tgz']);
  });

  test('npm view shows absolute URLs as the registry wrote them: bodies are not rewritten', async () => {
    publicUrl = INTERNAL;
    const { stdout, stderr } = await npm('view', ['view', 'tiny', 'dist.tarball']);
    assert.equal(stdout.trim(), `${INTERNAL}/tiny/-/tiny-1.0.0.tgz`, stderr);
  });
});
