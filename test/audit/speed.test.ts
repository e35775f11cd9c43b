import { test } from 'node:test';
import { ledgerDir, openLedger } from './ledger-dir.ts';

test('admits and outcomes under load (speed printed, not judged)', async (t) => {
  const ledger = openLedger(t, ledgerDir(t));
  const requests = 20_000;
  const started = performance.now();
  let next = 0;
  async function client(): Promise<void> {
    while (next < requests) {
      next += 1;
      const record = await ledger.admit({
        requestId: `01JD${String(next).padStart(22, '0')}`,
        issuer: 'https://idp.example.com',
        user: `user${next % 50}`,
        userName: 'Ada Lovelace',
        clientId: 'latchkey-desktop',
        tool: { name: 'curl', pid: next },
        ip: '192.0.2.1',
        api: 'billing',
        rule: 'read',
        method: 'GET',
        path: `/invoices/${next}`,
        decision: 'allow',
        tokenId: 'f'.repeat(43),
        binding: 'dpop',
        configHash: 'c'.repeat(64),
      });
      record.finish({
        status: 200,
        bytesIn: 0,
        bytesOut: 512,
        durationMs: 3,
        closedBy: 'upstream',
      });
    }
  }
  await Promise.all(Array.from({ length: 64 }, client));
  await ledger.append('config', {});
  const seconds = (performance.now() - started) / 1000;
  t.diagnostic(`${Math.round((2 * requests) / seconds)} records/s from 64 writers`);
});
