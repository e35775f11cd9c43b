import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { controlText } from '../../build/packaging/deb.ts';
import { readFpmArguments } from '../../build/packaging/fpm-arguments.ts';
import { inPath } from '../../build/test-tools.ts';

const run = promisify(execFile);
const shim = join(import.meta.dirname, '..', '..', 'build', 'packaging', 'fpm-shim.ts');
const skip = inPath('dpkg-deb') ? false : 'dpkg-deb is missing: install the package dpkg';
const least = '-s dir -t deb --name a --version 1.0.0 --architecture amd64 --package /tmp/a.deb';
const words = [...least.split(' '), '--maintainer', 'A <a@a.example>'];

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-fpm-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function runShim(args: readonly string[], env: Record<string, string> = {}) {
  return run(process.execPath, [shim, ...args], {
    timeout: 120_000,
    env: { ...process.env, LATCHKEY_DEB_LEVEL: '0', SOURCE_DATE_EPOCH: '1700000000', ...env },
  });
}

describe('fpm’s arguments', () => {
  test('are read as electron-builder writes them', () => {
    const relations = ['-d', 'libc6', '-d', 'x | y', '--deb-recommends', 'z'];
    const rest = ['--deb-compression', 'gz', '--after-install', '/s/post', '--force'];
    const files = ['/from/=/opt/A', '/icon.png=/usr/share/icons/a.png'];
    const url = '--url=https://a.example/?b=c';
    const job = readFpmArguments([...words, ...relations, ...rest, url, ...files]);
    assert.deepEqual(job.depends, ['libc6', 'x | y']);
    assert.deepEqual(job.recommends, ['z']);
    assert.equal(job.url, 'https://a.example/?b=c');
    assert.equal(job.compression, 'gz');
    assert.equal(job.scripts.get('postinst'), '/s/post');
    assert.deepEqual(job.placements, [
      { source: '/from/', target: '/opt/A' },
      { source: '/icon.png', target: '/usr/share/icons/a.png' },
    ]);
  });

  test('an option that is not known or has no value, and a bad target, are errors', () => {
    assert.throws(() => readFpmArguments([...words, '--conflicts', 'b']), /--conflicts/u);
    assert.throws(() => readFpmArguments([...words, '--vendor']), /--vendor has no value/u);
    assert.throws(() => readFpmArguments(words.slice(0, -2)), /--maintainer is missing/u);
    assert.throws(() => readFpmArguments([...words, '/a=/opt/../etc/a']), /SOURCE=/u);
    assert.throws(() => readFpmArguments([...words, '/a=opt']), /SOURCE=/u);
  });

  test('a line break cannot add a field to the control file', () => {
    const job = readFpmArguments([...words, '-d', 'libc6\nPre-Depends: evil']);
    assert.throws(() => controlText(job, []), /line break in Depends/u);
  });
});

describe('a package built without fpm', { skip }, () => {
  async function build(t: TestContext) {
    const dir = await folder(t);
    const app = join(dir, 'app');
    await mkdir(join(app, 'lib'), { recursive: true });
    await writeFile(join(app, 'run'), '#!/bin/sh\necho hello\n');
    await chmod(join(app, 'run'), 0o777);
    await writeFile(join(app, 'lib', 'data'), 'x'.repeat(5000));
    await chmod(join(app, 'lib', 'data'), 0o666);
    await symlink('lib/data', join(app, 'link'));
    const postinst = join(dir, 'postinst.sh');
    await writeFile(postinst, '#!/bin/sh\ntrue\n');
    const output = join(dir, 'out', 'a.deb');
    const args = words.with(words.indexOf('/tmp/a.deb'), output);
    const more = [
      '--deb-compression',
      'gz',
      '--license',
      'Apache-2.0',
      '--after-install',
      postinst,
    ];
    const text = ['--description', 'A thing\n that does things', '-d', 'libc6', `${app}/=/opt/A`];
    await runShim([...args, ...more, ...text]);
    return { dir, output };
  }

  test('holds the files, owned by root, with permissions that the builder’s umask does not shape', async (t) => {
    const { dir, output } = await build(t);
    const { stdout: listing } = await run('dpkg-deb', ['-c', output]);
    assert.match(listing, /^-rwxr-xr-x root\/root .* \.\/opt\/A\/run$/mu);
    assert.match(listing, /^-rw-r--r-- root\/root .* \.\/opt\/A\/lib\/data$/mu);
    assert.match(listing, /\.\/opt\/A\/link -> lib\/data$/mu);
    assert.match(listing, /2023-11-14 .* \.\/opt\/A\/run$/mu);
    await run('dpkg-deb', ['-R', output, join(dir, 'all')]);
    const { mode } = await stat(join(dir, 'all', 'DEBIAN', 'postinst'));
    assert.equal(mode & 0o777, 0o755);
    const control = await readFile(join(dir, 'all', 'DEBIAN', 'control'), 'utf8');
    assert.match(control, /^Depends: libc6$/mu);
    assert.match(control, /^Description: A thing\n that does things\n$/mu);
    await run('md5sum', ['--check', '--strict', '--quiet', 'DEBIAN/md5sums'], {
      cwd: join(dir, 'all'),
    });
  });

  test('is the same bytes when built again', async (t) => {
    const [one, two] = [await build(t), await build(t)];
    assert.deepEqual(await readFile(one.output), await readFile(two.output));
  });

  test('other package types and bad settings end with 1 and a reason', async () => {
    const rpm = words.with(words.indexOf('deb'), 'rpm');
    await assert.rejects(runShim(rpm), { code: 1, stderr: /only deb/u });
    await assert.rejects(runShim(words, { LATCHKEY_DEB_LEVEL: '10' }), {
      code: 1,
      stderr: /LATCHKEY_DEB_LEVEL must be a whole number from 0 to 9/u,
    });
  });
});
