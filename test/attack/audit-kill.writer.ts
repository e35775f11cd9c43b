import { createLedger } from '../../audit/ledger.ts';

// Writes at full speed, and says which requests were acknowledged, until it is killed.
const ledger = createLedger({
  dir: process.argv[2] ?? '',
  side: 'relay',
  segmentRecords: 2000,
  checkpointRecords: 500,
});

async function client(name: number): Promise<never> {
  for (let i = 0; ; i += 1) {
    const requestId = `${name}-${i}`;
    const record = await ledger.admit({
      requestId,
      user: 'ada',
      api: 'billing',
      decision: 'allow',
    });
    process.stdout.write(`${requestId}\n`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    record.finish({ status: 200 });
  }
}

await Promise.all(Array.from({ length: 16 }, (_, name) => client(name)));
