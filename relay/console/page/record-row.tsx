import type { ReactNode } from 'react';
import type { ActivityRow } from '../../../ui/activity-rows.ts';
import { eventName, formatDuration, formatTime } from '../../../ui/format.ts';
import { RequestLabel } from '../../../ui/request-label.tsx';
import { Mark, ResultBadge } from '../../../ui/result-badge.tsx';

/** The cells of one line of the traffic or of the audit. */
export function RecordCells({ row }: { readonly row: ActivityRow }): ReactNode {
  return (
    <>
      <span role="gridcell" className="cell-time mono">
        {formatTime(row.at)}
      </span>
      <span role="gridcell" className="cell-person truncate">
        {row.person ?? '–'}
      </span>
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
  return [eventName(row.kind), row.detail].filter(Boolean).join(': ');
}

function Result({ row }: { readonly row: ActivityRow }): ReactNode {
  const isAboutRequest = row.kind === 'request' || row.kind === 'outcome';
  // By itself, a request says what was decided; how it ended is another record.
  const isDecision = row.kind === 'request' && row.status === undefined && !row.open;
  if (isDecision && row.code === undefined) return <Mark color="latch" text="allowed" />;
  return isAboutRequest || row.code !== undefined ? <ResultBadge row={row} /> : null;
}
