import { ActionIcon, Badge, Group, Table, Text } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { isRefused } from './activity-rows.ts';
import type { ActivityRow } from './activity-rows.ts';
import type { PartProps } from './part-props.ts';
import { CopyButton } from './copy-button.tsx';
import { eventName, formatBytes, formatDuration, formatTime, resultText } from './format.ts';

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
            <Text size="sm" c="dimmed" truncate>
              {[eventName(row.kind), row.detail].filter(Boolean).join(': ')}
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
        <span className="method">{row.method}</span>{' '}
        <span className="path" title={row.path}>
          {row.path}
        </span>
      </Table.Td>
      <Table.Td>
        <Text size="sm" truncate maw={110}>
          {row.api ?? '–'}
        </Text>
      </Table.Td>
      <Table.Td>
        <Result row={row} />
      </Table.Td>
      <Table.Td className="mono number">
        {row.durationMs === undefined ? '' : formatDuration(row.durationMs)}
      </Table.Td>
      <Table.Td className="mono number">{row.open ? '' : formatBytes(bytes)}</Table.Td>
    </>
  );
}

function Result({ row }: { readonly row: ActivityRow }): ReactNode {
  if (row.open) return <Mark color="blue" text="under way" />;
  const text = resultText(row);
  if ((row.status ?? 0) >= 500) return <Mark color="red" text={text} />;
  return <Mark color={isRefused(row) ? 'orange' : 'latch'} text={text} />;
}

function Mark({ color, text }: { readonly color: string; readonly text: string }): ReactNode {
  return (
    <Badge variant="light" color={color} size="md" radius="sm" tt="none" fw={600}>
      {text}
    </Badge>
  );
}

function Details({ row, bridge, agent }: LineProps): ReactNode {
  const { requestId } = row;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Path', row.path],
    [
      'Decided here',
      row.decision === undefined ? undefined : row.decision === 'allow' ? 'Allowed' : 'Denied',
    ],
    ['Rule', row.rule],
    ['Tool', row.tool],
    ['Received', row.bytesIn === undefined ? undefined : formatBytes(row.bytesIn)],
    ['Sent', row.bytesOut === undefined ? undefined : formatBytes(row.bytesOut)],
    ['Ended by', row.closedBy],
    ['Note', row.detail],
  ];
  return (
    <Table.Tr className="details">
      <Table.Td colSpan={7}>
        <dl>
          {requestId !== undefined && (
            <>
              <dt>Request id</dt>
              <dd>
                <Group gap={4} wrap="nowrap">
                  <span className="mono">{requestId}</span>
                  <CopyButton
                    label="Copy the request id"
                    onCopy={() => agent.run(() => bridge.copyRequestId(requestId))}
                  />
                </Group>
              </dd>
            </>
          )}
          {facts.map(([term, value]) =>
            value === undefined ? null : (
              <div key={term} className="fact">
                <dt>{term}</dt>
                <dd>{value}</dd>
              </div>
            ),
          )}
        </dl>
      </Table.Td>
    </Table.Tr>
  );
}
