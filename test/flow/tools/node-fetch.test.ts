import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { useTools } from '../../support/tools.ts';

const SCRIPT = `
const base = process.argv[1];
const json = async (path, init) => (await fetch(base + path, init)).json();
async function* parts() { for (let at = 0; at < 16; at++) yield Buffer.alloc(65536, 'latchkey'); }
const listed = await json('/invoices');
const sent = await json('/import', { method: 'POST', body: ReadableStream.from(parts()), duplex: 'half' });
const refused = await fetch(base + '/invoices/INV-1002', { method: 'DELETE' });
const stop = new AbortController();
const feed = await fetch(base + '/feed', { signal: stop.signal });
const { value } = await feed.body.getReader().read();
stop.abort();
const form = new FormData();
form.append('file', new Blob(['abc']), 'a.txt');
const uploaded = await json('/echo', { method: 'POST', body: form });
console.log(JSON.stringify({
  by: listed.requestedBy, sent, refused: [refused.status, (await refused.json()).code],
  event: new TextDecoder().decode(value).split('\\n')[0],
  form: uploaded.headers['content-type'].split(';')[0],
}));
`;

describe('Node fetch', () => {
  const bench = useTools();

  test('gets, streams a body, reads events, sends a form', async () => {
    const { localhost, run } = bench();
    const args = ['--input-type=module', '-e', SCRIPT, '--', `${localhost}/billing`];
    const { code, stdout, stderr } = await run(process.execPath, args);
    assert.equal(code, 0, stderr);
    const body = Buffer.alloc(1024 * 1024, 'latchkey');
    const { by, ...seen } = JSON.parse(stdout) as { by: string };
    assert.match(by, /^alice@/);
    assert.deepEqual(seen, {
      sent: { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') },
      refused: [403, 'denied'],
      event: 'id: 1',
      form: 'multipart/form-data',
    });
  });
});
