import Database from 'better-sqlite3';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { bodyHash, genesis } from '../../audit/chain.ts';
import { createCheckpointer } from '../../audit/checkpoint.ts';
import type { AuditFields, AuditKind } from '../../audit/record.ts';
import { listSegments, SEGMENT_SCHEMA } from '../../audit/segment.ts';
import { serialize } from '../../audit/serialize.ts';
import { tamper } from './ledger-dir.ts';

/** Writes a ledger as versions before people's keys did: whom a record names stands in it in clear. */
export function writeFirstFormat(
  dir: string,
  atMs: number,
  records: readonly { readonly kind: AuditKind; readonly fields: AuditFields }[],
): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(`${dir}.key`, pem, { mode: 0o600 });
  const db = new Database(join(dir, 'audit-000001.sqlite'));
  db.exec(SEGMENT_SCHEMA);
  const at = new Date(atMs).toISOString();
  db.prepare('INSERT INTO segment VALUES (1, ?, ?)').run(genesis.hash, at.slice(0, 10));
  const insert = db.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let head = genesis;
  for (const { kind, fields } of records) {
    const seq = head.seq + 1;
    const body = serialize(
      { id: `id${seq}`, at, kind, side: 'relay', fields },
      { seq, prev: head.hash },
    );
    const hash = bodyHash(body, 1);
    const { requestId = null, user = null, api = null, decision = null, code = null } = fields;
    insert.run(seq, at, kind, requestId, user, api, decision, code, body, hash);
    head = { seq, hash };
  }
  db.pragma('user_version = 1');
  db.close();
  createCheckpointer({ dir, keyFile: `${dir}.key`, now: () => atMs }).write(head);
}

/**
 * Leaves a closed ledger as the first version did: hashes have no domain, and no record vouches for what stands beside
 * the records. No checkpoint follows.
 */
export function asFirstFormat(dir: string): void {
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
          prev = bodyHash(text, 1);
          db.prepare('UPDATE records SET body = ?, hash = ? WHERE seq = ?').run(text, prev, seq);
        }
        db.pragma('user_version = 1');
      },
      number,
    );
  }
  rmSync(join(dir, 'checkpoints.jsonl'));
}
