import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { bodyHash, genesis } from '../../audit/chain.ts';
import { listSegments } from '../../audit/segment.ts';
import { tamper } from './ledger-dir.ts';

/**
 * Leaves a closed ledger as a version before segments' digests did: no record vouches for what stands beside the
 * records, and in format 1 hashes have no domain. No checkpoint follows.
 */
export function asEarlierVersion(dir: string, format: number): void {
  let prev = genesis.hash;
  for (const { number } of listSegments(dir)) {
    tamper(
      dir,
      (db) => {
        db.prepare('UPDATE segment SET prev = ?').run(prev);
        for (const { seq, body } of db
          .prepare<[], { seq: number; body: string }>('SELECT seq, body FROM records ORDER BY seq')
          .all()) {
          const { segment: _, ...members } = JSON.parse(body) as Record<string, unknown>;
          const text = canonicalJson({ ...members, prev });
          prev = bodyHash(text, format);
          db.prepare('UPDATE records SET body = ?, hash = ? WHERE seq = ?').run(text, prev, seq);
        }
        db.pragma(`user_version = ${format}`);
      },
      number,
    );
  }
  rmSync(join(dir, 'checkpoints.jsonl'));
}
