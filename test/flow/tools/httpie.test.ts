import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { skipWithout, useTools, type Ran } from '../../support/tools.ts';

describe('HTTPie', { skip: skipWithout('http', 'httpie') }, () => {
  const bench = useTools();
  const http = (...args: string[]): Promise<Ran> =>
    bench().run('http', ['--ignore-stdin', '--check-status', ...args]);

  test('sends JSON made of its arguments, and shows a refusal with exit code 4', async () => {
    const { port } = bench();
    const { stdout } = await http(
      '-b',
      'POST',
      `:${port}/billing/echo`,
      'customer=Acme',
      'amount:=3',
    );
    const echo = JSON.parse(stdout) as { bytes: number; headers: Record<string, string> };
    assert.equal(echo.bytes, Buffer.byteLength('{"customer": "Acme", "amount": 3}'));
    assert.equal(echo.headers['content-type'], 'application/json');
    const refused = await http('-h', 'DELETE', `:${port}/billing/invoices/INV-1002`);
    assert.equal(refused.code, 4);
    assert.match(refused.stdout, /^HTTP\/1\.1 403 /);
  });
});
