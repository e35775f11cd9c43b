import { createLedger } from '../../audit/ledger.ts';

// Records one new person after the other, and says whose record was acknowledged, until it is killed.
const ledger = createLedger({ dir: process.argv[2] ?? '', side: 'relay', segmentRecords: 100 });

async function client(name: number): Promise<never> {
  for (let at = 0; ; at += 1) {
    const user = `${process.pid}-${name}-${at}`;
    await ledger.append('sign-in', { user, userName: `Name of ${user}` });
    process.stdout.write(`${user}\n`);
  }
}

await Promise.all([client(0), client(1), client(2)]);
