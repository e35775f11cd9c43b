import { createLedger } from '../../audit/ledger.ts';

// Lets the records of one API expire, until it is killed.
const start = Date.parse('2026-01-01T12:00:00Z');
const day = 86_400_000;
createLedger({
  dir: process.argv[2] ?? '',
  side: 'relay',
  now: () => start + 31 * day,
  retention: () => ({ defaultMs: 400 * day, apis: { billing: 30 * day } }),
});
process.stdout.write('begun\n');
setTimeout(() => {}, 60_000);
