import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { skipWithout, useTools } from '../../support/tools.ts';

const skip = skipWithout('curl', 'curl');
const MIB = 1024 * 1024;

describe('curl', { skip }, () => {
  const bench = useTools();
  const curl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await bench().run('curl', ['-sS', '-m', '50', ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  test('gets the same by path and by name, over IPv4 and IPv6, as HTTP/1.0', async () => {
    const { localhost, port } = bench();
    for (const args of [
      [`${localhost}/billing/invoices`],
      [`http://billing.localhost:${port}/invoices`],
      ['-4', '--compressed', `${localhost}/billing/invoices`],
      ['-0', `${localhost}/billing/invoices`],
    ])
      assert.match(await curl(...args), /INV-1002/);
    assert.match(await curl('-I', `${localhost}/billing/invoices`), /^HTTP\/1\.1 200 /);
  });

  test('sends JSON, and its own Authorization goes no further', async () => {
    const { localhost } = bench();
    const seen = await curl(
      '-utool:secret',
      '-HContent-Type: application/json',
      '-d{"a":1}',
      `${localhost}/billing/echo`,
    );
    const echo = JSON.parse(seen) as { bytes: number; headers: Record<string, string> };
    assert.equal(echo.bytes, 7);
    assert.equal(echo.headers['content-type'], 'application/json');
    assert.match(echo.headers['x-user-email'] ?? '', /alice@/);
    assert.doesNotMatch(seen, /Basic |Bearer |DPoP /);
  });

  test('uploads a file after 100 Continue, and one of unknown length', async () => {
    const { home, localhost } = bench();
    const body = Buffer.alloc(2 * MIB, 'latchkey');
    const sha256 = createHash('sha256').update(body).digest('hex');
    const file = join(home, 'upload');
    await writeFile(file, body);
    const wanted = { bytes: body.length, sha256 };
    for (const field of ['Expect: 100-continue', 'Transfer-Encoding: chunked']) {
      const answer = await curl('-T', file, '-H', field, `${localhost}/billing/import`);
      assert.deepEqual(JSON.parse(answer), wanted, field);
    }
  });

  test('is served as HTTP/1.1 when it asks to go on with HTTP/2 (h2c)', async () => {
    const answer = await curl('--http2', '-i', `${bench().localhost}/billing/invoices`);
    assert.match(answer, /^HTTP\/1\.1 200 [^]*INV-1002/);
  });

  test('-f gives exit code 22 for a refusal; the answer says why', async () => {
    const { localhost, run } = bench();
    const refused = ['-sS', '-X', 'DELETE', `${localhost}/billing/invoices/INV-1002`];
    assert.equal((await run('curl', ['-f', ...refused])).code, 22);
    const { stdout } = await run('curl', refused);
    assert.equal((JSON.parse(stdout) as { code: string }).code, 'denied');
  });

  test('-N shows events as they happen', async () => {
    const { localhost, run } = bench();
    const { code, stdout } = await run('curl', ['-sSN', '-m', '10', `${localhost}/billing/feed`]);
    assert.equal(code, 28, 'the stream had no end of its own');
    assert.match(stdout, /^id: 1\nevent: tick\n/);
  });
});
