import type { ReactNode } from 'react';
import type { ActivityRow } from '../../../ui/activity-rows.ts';
import { eventWords } from '../../../ui/event-words.ts';
import { formatDuration, formatTime } from '../../../ui/format.ts';
import { RequestLabel } from '../../../ui/request-label.tsx';
import { Mark, ResultBadge } from '../../../ui/result-badge.tsx';

/** The cells of one line of the traffic or of the audit. */
export function RecordCells({ row }: { readonly row: ActivityRow }): ReactNode {
  // What is neither about an API nor has a result is told over their columns as well.
  const isTold = row.method === undefined && !hasResult(row) && row.api === undefined;
  return (
    <>
      <span role="gridcell" className="cell-time mono">
        {formatTime(row.at)}
      </span>
      <span role="gridcell" className="cell-person truncate">
        {row.person ?? '–'}
      </span>
      {isTold ? (
        <span role="gridcell" className="cell-what cell-told" aria-colspan={4}>
          <What row={row} />
        </span>
      ) : (
        <RequestCells row={row} />
      )}
    </>
  );
}

function RequestCells({ row }: { readonly row: ActivityRow }): ReactNode {
  return (
    <>
      <span role="gridcell" className="cell-what truncate">
        <What row={row} />
      </span>
      <span role="gridcell" className="cell-api truncate">
        {row.api ?? ''}
      </span>
      <span role="gridcell" className="cell-result">
        <Result row={row} />
      </span>
      <span role="gridcell" className="cell-took mono">
        {row.durationMs === undefined ? '' : formatDuration(row.durationMs)}
      </span>
    </>
  );
}

const isAboutRequest = ({ kind }: ActivityRow): boolean => kind === 'request' || kind === 'outcome';
const hasResult = (row: ActivityRow): boolean =>
  isAboutRequest(row) || row.kind === 'interrupted' || row.code !== undefined;

function What({ row }: { readonly row: ActivityRow }): ReactNode {
  if (row.kind === 'request' && row.method === undefined)
    return <em>refused before it was read</em>;
  if (row.method !== undefined) {
    const times = (row.count ?? 1) > 1 ? ` × ${row.count}` : '';
    return (
      <>
        <RequestLabel method={row.method} path={row.path} />
        {times}
      </>
    );
  }
  const words = eventWords(row);
  return <span title={words}>{words}</span>;
}

function Result({ row }: { readonly row: ActivityRow }): ReactNode {
  // By itself, a request says what was decided; how it ended is another record.
  const isDecision = row.kind === 'request' && row.status === undefined && !row.open;
  if (isDecision && row.code === undefined) return <Mark color="latch" text="allowed" />;
  if (row.kind === 'interrupted') return <Mark color="red" text="cut off" />;
  return hasResult(row) ? <ResultBadge row={row} /> : null;
}
