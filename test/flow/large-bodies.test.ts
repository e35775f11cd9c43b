import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startAgent, type AgentProcess } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';

const MIB = 1024 * 1024;
const BYTES = 1024 * MIB;
const ALLOWED_GROWTH = 96 * MIB;

function residentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+([0-9]+) kB/.exec(status)?.[1]) * 1024;
}

/** Watches the memory of both proxies while something runs. */
async function growthDuring(
  pids: readonly (number | undefined)[],
  run: () => Promise<void>,
): Promise<number[]> {
  const before = pids.map(residentBytes);
  const peak = [...before];
  const timer = setInterval(() => {
    for (const [at, pid] of pids.entries()) peak[at] = Math.max(peak[at] ?? 0, residentBytes(pid));
  }, 50);
  await run().finally(() => clearInterval(timer));
  return peak.map((bytes, at) => bytes - (before[at] ?? 0));
}

describe(
  'bodies of 1 GiB',
  { skip: process.platform !== 'linux' && 'memory is read from /proc' },
  () => {
    const company = useCompany({ tokenSeconds: 600 });
    let agent: AgentProcess;

    before(async () => {
      agent = await startAgent(company().relayUrl);
      await agent.signIn('alice');
      // The first requests compile the code and fill the pools: that growth is not the body's.
      for (let index = 0; index < 200; index++)
        await (await fetch(`${agent.url}/billing/invoices`)).text();
    });
    after(async () => agent?.close());

    const check = (growth: readonly number[], what: string): void => {
      const text = growth.map((bytes) => `${Math.round(bytes / MIB)} MiB`).join(' and ');
      console.log(`# ${what}: the app and the relay grew by ${text}`);
      for (const bytes of growth) assert.ok(bytes < ALLOWED_GROWTH, `${what}: grew by ${text}`);
    };

    test('download with bounded memory, the checksum intact', async () => {
      const wanted = await (
        await fetch(`${agent.url}/billing/export.sha256?bytes=${BYTES}`)
      ).text();
      const growth = await growthDuring([agent.process.pid, company().relay.pid], async () => {
        const answer = await fetch(`${agent.url}/billing/export?bytes=${BYTES}`);
        const hash = createHash('sha256');
        let bytes = 0;
        for await (const chunk of answer.body ?? []) {
          hash.update(chunk);
          bytes += chunk.length;
        }
        assert.equal(bytes, BYTES);
        assert.ok(wanted.includes(hash.digest('hex')));
      });
      check(growth, 'download');
    });

    test('upload with bounded memory, the checksum intact', async () => {
      const block = Buffer.alloc(64 * 1024, 'latchkey');
      const hash = createHash('sha256');
      async function* blocks(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < BYTES; sent += block.length) {
          hash.update(block);
          yield block;
        }
      }
      const growth = await growthDuring([agent.process.pid, company().relay.pid], async () => {
        const answer = await fetch(`${agent.url}/billing/import`, {
          method: 'POST',
          body: ReadableStream.from(blocks()),
          duplex: 'half',
        });
        assert.equal(answer.status, 200);
        assert.deepEqual(await answer.json(), { bytes: BYTES, sha256: hash.digest('hex') });
      });
      check(growth, 'upload');
    });
  },
);
