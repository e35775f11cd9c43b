import { createLedger } from '../../audit/ledger.ts';

// Lets the records of one API expire, until it kills itself: after so many ms, at once after none. Whoever did that from
// outside might be stopped meanwhile.
const start = Date.parse('2026-01-01T12:00:00Z');
const day = 86_400_000;
createLedger({
  dir: process.argv[2] ?? '',
  side: 'relay',
  now: () => start + 31 * day,
  retention: () => ({ defaultMs: 400 * day, apis: { billing: 30 * day } }),
});
const afterMs = Number(process.argv[3]);
const kill = (): boolean => process.kill(process.pid, 'SIGKILL');
if (afterMs === 0) kill();
else setTimeout(kill, afterMs);
