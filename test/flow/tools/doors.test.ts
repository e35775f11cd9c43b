import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PYTHON, skipWithout, skipWithoutPython, useTools } from '../../support/tools.ts';

const INSIDE = 'http://billing.internal.example.com';
const SCRIPT = `
import sys, requests
print(requests.get(sys.argv[1] + "/invoices", timeout=50).text)
`;

/** Tools and the other ways to the same API: the names that it has inside the company, and the socket. */
describe('HTTP_PROXY and the socket', () => {
  const bench = useTools();
  const byProxy = async (command: string, ...args: string[]) => {
    const { port, run } = bench();
    const proxy = `http://localhost:${port}`;
    // curl reads the lower-case name only, as CGI scripts get the other one from whoever calls them.
    return run(command, args, { env: { HTTP_PROXY: proxy, http_proxy: proxy } });
  };

  for (const [tool, skip, command, ...args] of [
    ['curl', skipWithout('curl', 'curl'), 'curl', '-sS', `${INSIDE}/invoices`],
    ['wget', skipWithout('wget', 'wget'), 'wget', '-qO-', `${INSIDE}/invoices`],
    ['requests', skipWithoutPython('requests', 'python3-requests'), PYTHON, '-c', SCRIPT, INSIDE],
  ] as const) {
    test(`${tool} goes on using the inside name`, { skip }, async () => {
      const { stdout, stderr } = await byProxy(command, ...args);
      assert.match(stdout, /INV-1002/, stderr);
    });
  }

  test('hosts that the relay does not list are 403, and https:// is 405', async () => {
    const other = await byProxy('curl', '-sS', 'http://other.example.com/');
    assert.equal((JSON.parse(other.stdout) as { code: string }).code, 'foreign_host');
    const secure = await byProxy(
      'curl',
      '-sS',
      '-x',
      `http://localhost:${bench().port}`,
      `${INSIDE.replace('http', 'https')}/invoices`,
    );
    assert.notEqual(secure.code, 0);
    assert.match(secure.stderr, /405/);
  });

  test('curl by the socket', { skip: process.platform === 'win32' && 'a pipe there' }, async () => {
    const { dataDir, run } = bench();
    const socket = join(dataDir, 'latchkey.sock');
    const { stdout, stderr } = await run('curl', [
      '-sS',
      '--unix-socket',
      socket,
      'http://billing/invoices',
    ]);
    assert.match(stdout, /INV-1002/, stderr);
  });
});
