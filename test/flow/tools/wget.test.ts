import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { skipWithout, useTools } from '../../support/tools.ts';

describe('wget', { skip: skipWithout('wget', 'wget') }, () => {
  const bench = useTools();

  test('downloads a file whole', async () => {
    const { home, localhost, run } = bench();
    const bytes = 3_000_001;
    const file = join(home, 'export');
    const download = await run('wget', [
      '-nv',
      '-O',
      file,
      `${localhost}/billing/export?bytes=${bytes}`,
    ]);
    assert.equal(download.code, 0, download.stderr);
    const sum = await run('wget', ['-qO-', `${localhost}/billing/export.sha256?bytes=${bytes}`]);
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    assert.deepEqual(JSON.parse(sum.stdout), { bytes, sha256 });
  });

  test('posts a form, and reports a refusal with exit code 8', async () => {
    const { localhost, run } = bench();
    const sent = await run('wget', ['-qO-', '--post-data=a=1&b=2', `${localhost}/billing/echo`]);
    assert.equal((JSON.parse(sent.stdout) as { bytes: number }).bytes, 7);
    const refused = await run('wget', ['-O-', '--tries=1', `${localhost}/nowhere`]);
    assert.equal(refused.code, 8);
    assert.match(refused.stderr, /404/);
  });
});
