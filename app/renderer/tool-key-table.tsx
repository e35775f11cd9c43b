import { Badge, Button, Group, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ToolKeysView, ToolKeyView } from '../main/ipc/tool-key-views.ts';
import { formatTime } from '../../ui/format.ts';
import { dayWords, endWords, scopeWords, useWords } from './key-words.ts';

interface TableProps {
  readonly view: ToolKeysView;
  readonly onRevoke: (key: ToolKeyView) => void;
}

/** One line for each key. */
export function ToolKeyTable({ view: { keys, atMs }, onRevoke }: TableProps): ReactNode {
  return (
    <div className="key-table">
      <Table verticalSpacing={9} aria-label="Tool keys">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Opens</Table.Th>
            <Table.Th>Created</Table.Th>
            <Table.Th>Expires</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th>
              <span className="unseen">Revoke</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Line key={key.id} held={key} nowMs={atMs} onRevoke={() => onRevoke(key)} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Line({
  held,
  nowMs,
  onRevoke,
}: {
  readonly held: ToolKeyView;
  readonly nowMs: number;
  readonly onRevoke: () => void;
}): ReactNode {
  const scope = scopeWords(held);
  const ends = endWords(held, nowMs);
  return (
    <Table.Tr data-key-id={held.id}>
      <Table.Td>
        <Group gap={8} wrap="nowrap">
          <Text size="sm" fw={600} truncate title={held.name}>
            {held.name}
          </Text>
          {held.lent === true && (
            <Badge variant="light" color="blue" size="sm" radius="sm" tt="none" className="fixed">
              lent
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm" lineClamp={2} className="wraps" title={scope}>
          {scope}
        </Text>
      </Table.Td>
      <Table.Td className="quiet">{dayWords(held.createdAt)}</Table.Td>
      <Table.Td className="quiet" title={held.expiresAt && dayWords(held.expiresAt)}>
        {ends === 'expired' ? (
          <Badge variant="light" color="orange" size="md" radius="sm" tt="none" fw={600}>
            expired
          </Badge>
        ) : (
          ends
        )}
      </Table.Td>
      <Table.Td className="quiet">
        <LastUse held={held} nowMs={nowMs} />
      </Table.Td>
      <Table.Td className="end">
        <Button
          variant="subtle"
          color="red"
          size="compact-sm"
          aria-label={`Revoke ${held.name}`}
          onClick={onRevoke}
        >
          Revoke
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}

function LastUse({
  held,
  nowMs,
}: {
  readonly held: ToolKeyView;
  readonly nowMs: number;
}): ReactNode {
  const words = useWords(held, nowMs);
  if (held.lastUsedAt === undefined) return words;
  return (
    <Text size="sm" truncate title={`${words}, ${formatTime(held.lastUsedAt)}`}>
      {words}
    </Text>
  );
}
