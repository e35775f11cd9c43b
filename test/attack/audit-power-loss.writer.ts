import { createLedger } from '../../audit/ledger.ts';

// Says which requests were acknowledged, over several segments and checkpoints, until it is stopped.
const ledger = createLedger({
  dir: process.argv[2] ?? '',
  side: 'relay',
  durability: process.argv[3] === 'power' ? 'power' : 'process',
  segmentRecords: 100,
  checkpointRecords: 70,
});

for (let i = 0; ; i += 1) {
  const record = await ledger.admit({ requestId: `r${i}`, user: 'ada', decision: 'allow' });
  process.stdout.write(`r${i}\n`);
  record.finish({ status: 200 });
}
