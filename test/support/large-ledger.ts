import { createCheckpointer } from '../../audit/checkpoint.ts';
import { type Head, seal, type SealedRecord } from '../../audit/chain.ts';
import type { AuditFields, AuditKind } from '../../audit/record.ts';
import { createStore, type Store } from '../../audit/store.ts';

const batch = 1000;

/** Who made few requests, and long ago. */
export const RARE_USER = 'zoe';
/** The time of the first record; one follows each 20 ms. */
export const STARTED_MS = Date.parse('2026-11-02T00:00:00Z');
export const STEP_MS = 20;

/** A request record as a relay writes it, and every second time its outcome. */
function contentOf(seq: number): { kind: AuditKind; fields: AuditFields } {
  const request = Math.floor(seq / 2);
  const isDenied = request % 50 === 7;
  const common = {
    requestId: `01JD${String(request).padStart(22, '0')}`,
    issuer: 'https://idp.example.com',
    // Few make most of the requests.
    user: request < 3000 && request % 1000 === 10 ? RARE_USER : `user${(request * request) % 499}`,
    api: `api${request % 11}`,
    decision: isDenied ? 'deny' : 'allow',
    ...(isDenied ? { code: request % 100 === 7 ? 'scope' : 'no_rule' } : {}),
  } as const;
  if (seq % 2 === 1) {
    const status = isDenied ? 403 : 200;
    const end = { status, bytesIn: 0, bytesOut: 512, durationMs: 3, closedBy: 'upstream' } as const;
    return { kind: 'outcome', fields: { ...common, ...end, upstream: 'https://10.0.0.5:9001' } };
  }
  return {
    kind: 'request',
    fields: {
      ...common,
      userName: 'Ada Lovelace',
      clientId: 'latchkey-desktop',
      tool: { name: 'curl' },
      ip: '192.0.2.1',
      rule: 'read',
      method: 'GET',
      path: `/invoices/${request}`,
      tokenId: 'f'.repeat(43),
      binding: 'dpop',
      traceId: 'e'.repeat(32),
      configHash: 'c'.repeat(64),
    },
  };
}

function sealBatch(head: Head, from: number, to: number): readonly SealedRecord[] {
  const sealed: SealedRecord[] = [];
  let previous = head;
  for (let seq = from; seq <= to; seq += 1) {
    const at = new Date(STARTED_MS + seq * STEP_MS).toISOString();
    const id = `01JE${String(seq).padStart(22, '0')}`;
    const record = seal({ id, at, side: 'relay', ...contentOf(seq) }, previous);
    sealed.push(record);
    previous = record;
  }
  return sealed;
}

/** Writes a ledger of many records in the way that a relay does, but faster; the last one is signed. */
export function writeLargeLedger(
  dir: string,
  records: number,
  options: {
    readonly segmentRecords?: number;
    readonly indexer?: { wrote(seq: number): void };
  } = {},
): void {
  const store: Store = createStore({
    dir,
    segmentRecords: options.segmentRecords ?? 250_000,
    busyTimeoutMs: 1000,
    durability: 'process',
    now: () => STARTED_MS,
    open: () => [],
    indexer: options.indexer,
  });
  for (let from = 1; from <= records; from += batch) {
    store.commit((head) => sealBatch(head, from, Math.min(from + batch - 1, records)));
  }
  store.sync();
  const keyFile = `${dir}.key`;
  createCheckpointer({ dir, keyFile, now: Date.now }).write(store.head());
  store.close();
}
