import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import type { ActivityRow } from '../../../ui/activity-rows.ts';
import { RecordCells } from './record-row.tsx';
import { go, storyHref } from './router.ts';
import { VirtualList } from './virtual-list.tsx';

const ROW_PX = 38;
/** Two lines on a phone. */
const NARROW_ROW_PX = 66;

interface ListProps {
  readonly label: string;
  readonly count: number;
  /** A text in place of what is still read or is gone. */
  readonly at: (index: number) => ActivityRow | string;
  readonly onRange?: (first: number, last: number) => void;
}

const COMMANDS: ReadonlySet<string> = new Set(['admin-read', 'config', 'erase', 'export', 'hold']);

/** Lines of the audit; Enter or a click opens a request's story. */
export function RecordList({ label, count, at, onRange }: ListProps): ReactNode {
  const isNarrow = useMediaQuery('(max-width: 760px)', undefined, {
    getInitialValueInEffect: false,
  });
  return (
    <VirtualList
      label={label}
      count={count}
      rowHeight={isNarrow ? NARROW_ROW_PX : ROW_PX}
      {...(onRange === undefined ? {} : { onRange })}
      onOpen={(index) => {
        const row = at(index);
        if (typeof row === 'string' || row.requestId === undefined) return;
        // What administrators did by a command has an id of its own kind.
        if (!COMMANDS.has(row.kind)) go(storyHref(row.requestId));
      }}
      renderRow={(index) => {
        const row = at(index);
        return typeof row === 'string' ? (
          <span role="gridcell" className="cell-missing">
            {row}
          </span>
        ) : (
          <RecordCells row={row} />
        );
      }}
    />
  );
}
