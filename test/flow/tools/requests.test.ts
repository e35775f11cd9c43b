import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { PYTHON, skipWithoutPython, useTools } from '../../support/tools.ts';

const SCRIPT = `
import hashlib, json, sys, requests

base = sys.argv[1]
session = requests.Session()
listed = session.get(base + "/invoices", params={"page": 1}, timeout=50)
created = session.post(base + "/invoices", json={"customer": "Acme", "amount": 3}, timeout=50)
parts = session.put(base + "/import", data=(b"latchkey" * 8192 for _ in range(16)), timeout=50)
refused = session.delete(base + "/invoices/INV-1002", timeout=50)
try:
    refused.raise_for_status()
    raised = None
except requests.HTTPError as error:
    raised = error.response.status_code
with session.get(base + "/export", params={"bytes": 1000001}, stream=True, timeout=50) as answer:
    exported = sum(len(part) for part in answer.iter_content(65536))
with session.get(base + "/feed", stream=True, timeout=50) as answer:
    event = next(answer.iter_lines()).decode()
print(json.dumps({
    "listed": listed.json()["total"] > 0, "by": listed.json()["requestedBy"],
    "created": [created.status_code, created.json()["customer"]],
    "parts": parts.json(), "raised": raised, "code": refused.json()["code"],
    "exported": exported, "event": event,
}))
`;

describe('Python requests', { skip: skipWithoutPython('requests', 'python3-requests') }, () => {
  const bench = useTools();

  test('one session lists, creates, uploads, downloads and reads events', async () => {
    const { localhost, run } = bench();
    const { code, stdout, stderr } = await run(PYTHON, ['-c', SCRIPT, `${localhost}/billing`]);
    assert.equal(code, 0, stderr);
    const body = Buffer.alloc(1024 * 1024, 'latchkey');
    const { by, ...seen } = JSON.parse(stdout) as { by: string };
    assert.match(by, /^alice@/);
    assert.deepEqual(seen, {
      listed: true,
      created: [201, 'Acme'],
      parts: { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') },
      raised: 403,
      code: 'denied',
      exported: 1_000_001,
      event: 'id: 1',
    });
  });
});
