import { useEffect, useRef, useState } from 'react';
import type { ActivityRecord } from '../../../ui/activity-record.ts';
import { mergeRecords } from '../../../ui/activity-rows.ts';
import type { AuditRecord, RecordsView } from '../data.ts';
import { activityOf } from './record-view.ts';
import { ask, SignedOut, signInAgain } from './use-data.ts';

/** The newest records, as they come. */
export interface Live {
  /** Newest first. */
  readonly records: readonly ActivityRecord[];
  readonly state: 'connecting' | 'live' | 'lost';
  /** How many have come while it is paused. */
  readonly waiting: number;
  readonly problem?: string;
}

const FIRST = 500;
/** Drawing each record by itself would be slow under load. */
const BATCH_MS = 120;

/** Reads of the audit, this page's own among them, are for the search. */
const isTraffic = ({ kind }: AuditRecord): boolean => kind !== 'admin-read';

/**
 * Follows the audit.
 *
 * @param isPaused keeps what comes for later
 * @returns the newest records
 */
export function useLive(isPaused: boolean): Live {
  const [records, setRecords] = useState<readonly ActivityRecord[]>([]);
  const [state, setState] = useState<Live['state']>('connecting');
  const [waiting, setWaiting] = useState(0);
  const [problem, setProblem] = useState<string>();
  const held = useRef<ActivityRecord[]>([]);
  const paused = useRef(isPaused);

  useEffect(() => {
    paused.current = isPaused;
  }, [isPaused]);

  useEffect(() => {
    const gone = new AbortController();
    let source: EventSource | undefined;
    const flush = (): void => {
      const fresh = held.current;
      if (fresh.length === 0) return;
      if (paused.current) {
        setWaiting(fresh.length);
        return;
      }
      held.current = [];
      setWaiting(0);
      setRecords((known) => mergeRecords(known, fresh));
    };
    const timer = setInterval(flush, BATCH_MS);

    function listen(after: number): void {
      source = new EventSource(after > 0 ? `/audit/stream?after=${after}` : '/audit/stream');
      source.addEventListener('open', () => setState('live'));
      source.addEventListener('record', (event) => {
        const record = JSON.parse(String(event.data)) as AuditRecord;
        if (isTraffic(record)) held.current.push(activityOf(record));
        // While it is paused for long, the oldest are let go as they would be in the list.
        if (held.current.length > 2_000) held.current.shift();
      });
      source.addEventListener('over', signInAgain);
      source.addEventListener('error', () => {
        setState('lost');
        // The browser tries again by itself, unless the relay said no.
        if (source?.readyState === EventSource.CLOSED)
          ask('/console/api/session').catch((error: unknown) => {
            if (error instanceof SignedOut) signInAgain();
          });
      });
    }

    ask<RecordsView>(`/audit?limit=${FIRST}`, { signal: gone.signal }).then(
      ({ records: first }) => {
        setRecords(first.filter(isTraffic).map(activityOf));
        listen(first[0]?.seq ?? 0);
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        if (error instanceof SignedOut) signInAgain();
        setProblem((error as Error).message);
        setState('lost');
      },
    );
    return () => {
      gone.abort();
      clearInterval(timer);
      source?.close();
    };
  }, []);

  return { records, state, waiting, ...(problem === undefined ? {} : { problem }) };
}
