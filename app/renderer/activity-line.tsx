import { ActionIcon, Group, Table, Text } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ActivityRow } from '../../ui/activity-rows.ts';
import type { PartProps } from './part-props.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import type { FactList } from '../../ui/facts.tsx';
import { Facts } from '../../ui/facts.tsx';
import { closedWords, eventWords } from '../../ui/event-words.ts';
import { formatBytes, formatDuration, formatTime } from '../../ui/format.ts';
import { outsideText } from '../../ui/outside-text.ts';
import { RequestLabel } from '../../ui/request-label.tsx';
import { ResultBadge } from '../../ui/result-badge.tsx';

interface LineProps extends PartProps {
  readonly row: ActivityRow;
  readonly opened: boolean;
  readonly onToggle: () => void;
}

/** One request or event, with its details below when opened. */
export function ActivityLine(props: LineProps): ReactNode {
  const { row, opened, onToggle } = props;
  const isRequest = row.kind === 'request';
  return (
    <>
      <Table.Tr data-kind={row.kind} data-request-id={row.requestId}>
        <Table.Td className="mono time">{formatTime(row.at)}</Table.Td>
        {isRequest ? (
          <RequestCells row={row} />
        ) : (
          <Table.Td colSpan={5}>
            <Text size="sm" c="dimmed" className="wraps">
              {eventWords(row)}
            </Text>
          </Table.Td>
        )}
        <Table.Td className="end">
          {isRequest && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-expanded={opened}
              aria-label={`Details of ${row.method ?? 'the request'} ${row.path ?? ''}`}
              onClick={onToggle}
            >
              {opened ? <IconChevronUp size={15} /> : <IconChevronDown size={15} />}
            </ActionIcon>
          )}
        </Table.Td>
      </Table.Tr>
      {opened && <Details {...props} />}
    </>
  );
}

function RequestCells({ row }: { readonly row: ActivityRow }): ReactNode {
  const bytes = (row.bytesIn ?? 0) + (row.bytesOut ?? 0);
  return (
    <>
      <Table.Td className="request">
        <RequestLabel method={row.method} path={row.path} />
      </Table.Td>
      <Table.Td>
        <Text size="sm" truncate maw={110}>
          {row.api ?? '–'}
        </Text>
      </Table.Td>
      <Table.Td>
        <ResultBadge row={row} />
      </Table.Td>
      <Table.Td className="mono number">
        {row.durationMs === undefined ? '' : formatDuration(row.durationMs)}
      </Table.Td>
      <Table.Td className="mono number">{row.open ? '' : formatBytes(bytes)}</Table.Td>
    </>
  );
}

function Details({ row, bridge, agent }: LineProps): ReactNode {
  const { requestId } = row;
  const facts: FactList = {
    'Request id':
      requestId === undefined ? undefined : (
        <Group gap={4} wrap="nowrap">
          <span className="mono">{requestId}</span>
          <CopyButton
            label="Copy the request id"
            onCopy={() => agent.run(() => bridge.copyRequestId(requestId))}
          />
        </Group>
      ),
    Path: row.path,
    'Decided here':
      row.decision === undefined ? undefined : row.decision === 'allow' ? 'Allowed' : 'Denied',
    Rule: row.rule,
    Tool: row.tool && outsideText(row.tool),
    Key: row.toolKey && outsideText(row.toolKey),
    Received: row.bytesIn === undefined ? undefined : formatBytes(row.bytesIn),
    Sent: row.bytesOut === undefined ? undefined : formatBytes(row.bytesOut),
    End: row.closedBy && closedWords(row.closedBy),
  };
  return (
    <Table.Tr className="details">
      <Table.Td colSpan={7}>
        <Facts facts={facts} />
      </Table.Td>
    </Table.Tr>
  );
}
