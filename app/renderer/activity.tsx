import { Button, Code, Group, Table, Text, Title } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { ActivityRecord } from '../../ui/activity-record.ts';
import { ActivityLine } from './activity-line.tsx';
import { ActivityFilters } from '../../ui/activity-filters.tsx';
import { activityRows, filterRows } from '../../ui/activity-rows.ts';
import type { ActivityFilter } from '../../ui/activity-rows.ts';
import type { PartProps } from './part-props.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Empty } from '../../ui/empty.tsx';

const columns = ['Time', 'Request', 'API', 'Result', 'Took', 'Size', ''];
const mostLines = 200;
const everything: ActivityFilter = { text: '', api: '', deniedOnly: false };

/** What went through the local port, live, newest first. */
export function Activity({
  records,
  ...part
}: PartProps & { readonly records: readonly ActivityRecord[] }): ReactNode {
  const [filter, setFilter] = useState(everything);
  const [opened, setOpened] = useState<string>();
  const rows = useMemo(() => activityRows(records), [records]);
  const shown = useMemo(() => filterRows(rows, filter).slice(0, mostLines), [rows, filter]);
  // Before the first request, starts and sign-ins say less than what to try.
  const used = rows.some((row) => row.kind === 'request');
  const apis = useMemo(() => [...new Set(rows.flatMap((row) => row.api ?? []))].sort(), [rows]);
  return (
    <section aria-labelledby="activity">
      <Group justify="space-between" mb="sm" gap="sm">
        <Title order={2} size="h4" id="activity">
          Activity
        </Title>
        {used && (
          <ActivityFilters
            label="the activity"
            finds="path, code, request id"
            width={190}
            filter={filter}
            apis={apis}
            onChange={setFilter}
          />
        )}
      </Group>
      {!used || shown.length === 0 ? (
        <Nothing {...part} onClear={used ? () => setFilter(everything) : undefined} />
      ) : (
        <div className="table">
          <Table verticalSpacing={7} aria-label="Activity, newest first">
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>
                    {column || <span className="unseen">Details</span>}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((row) => (
                <ActivityLine
                  key={row.key}
                  row={row}
                  opened={opened === row.key}
                  onToggle={() => setOpened(opened === row.key ? undefined : row.key)}
                  {...part}
                />
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </section>
  );
}

function Nothing({
  bridge,
  agent,
  snapshot,
  profile,
  onClear,
}: PartProps & {
  /** Set while a filter hides what there is. */
  readonly onClear: (() => void) | undefined;
}): ReactNode {
  if (onClear !== undefined) {
    return (
      <Empty title="Nothing matches the filter">
        <Button variant="default" size="xs" onClick={onClear}>
          Clear the filter
        </Button>
      </Empty>
    );
  }
  const api = snapshot.apis[0];
  return (
    <Empty title="Nothing yet">
      {api === undefined ? (
        <Text size="sm" c="dimmed">
          Requests through {snapshot.localUrl ?? 'the local port'} show up here as they happen.
        </Text>
      ) : (
        <>
          <Text size="sm" c="dimmed" mb="sm">
            Point any tool at a local URL. For a start, try this in a terminal:
          </Text>
          <Group justify="center" gap="xs" wrap="nowrap">
            <Code className="try">{api.curl}</Code>
            <CopyButton
              label="Copy the command"
              onCopy={() => agent.run(() => bridge.copyApi(api.name, 'curl', ...profile))}
            />
          </Group>
        </>
      )}
    </Empty>
  );
}
