import { createFormatter, type Formatter } from '../../audit/formats/format.ts';
import type { Follower } from '../../audit/follow.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { Position } from './cursor.ts';
import type { Item } from './sink.ts';

/** What is to be delivered next. */
export interface Batch {
  /** Empty where nothing of what was read is for this sink. */
  readonly items: readonly Item[];
  /** Where the sink stands once it has them. */
  readonly end: Position;
  readonly gaps: readonly (readonly [first: number, last: number])[];
  /** Whether there may be more. */
  readonly isFull: boolean;
}

/** Cuts the chain into what a sink takes at once. */
export interface Batches {
  readonly head: string;
  /**
   * @param from where the sink stands
   * @returns the next batch; undefined when there is nothing new
   */
  next(from: Position): Batch | undefined;
}

function createFilter({ filter }: SinkConfig): (record: AuditRecord) => boolean {
  const apis = new Set<string | undefined>(filter.apis);
  const decisions = new Set<string | undefined>(filter.decisions);
  const kinds = new Set<string>(filter.kinds);
  return ({ api, decision, kind }) =>
    (apis.size === 0 || apis.has(api)) &&
    (decisions.size === 0 || decisions.has(decision)) &&
    (kinds.size === 0 || kinds.has(kind));
}

/** The message itself is empty where all is in the structured data. */
const NO_TEXT: Formatter = { head: '', line: () => '', pass: () => {} };

/**
 * Reads, filters and writes a sink's records, a bounded amount at a time.
 *
 * @param config of the sink
 * @param follower reads the ledger
 * @param version Latchkey's
 * @returns the batches
 */
export function createBatches(config: SinkConfig, follower: Follower, version: string): Batches {
  const { format, batch } = config;
  const formatter = format === 'structured' ? NO_TEXT : createFormatter(format, { version });
  const isWanted = createFilter(config);

  return {
    head: formatter.head,
    next(from) {
      const stretch = follower.read(from.seq, batch.records);
      if (stretch.hash === undefined) return undefined;
      const items: Item[] = [];
      let end: Position = { seq: stretch.seq, hash: stretch.hash };
      let bytes = 0;
      for (const [at, record] of stretch.records.entries()) {
        if (!isWanted(record)) {
          formatter.pass(record);
          continue;
        }
        const text = formatter.line(record);
        bytes += Buffer.byteLength(text);
        items.push({ record, text });
        if (bytes < batch.bytes || at === stretch.records.length - 1) continue;
        // The rest is read again; gaps beyond it are told then.
        end = { seq: record.seq, hash: record.hash };
        const gaps = stretch.gaps.filter(([first]) => first < record.seq);
        return { items, end, gaps, isFull: true };
      }
      return { items, end, gaps: stretch.gaps, isFull: stretch.isFull };
    },
  };
}
