import { Badge, Button, Group, Text, Title } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { ActivityFilters } from '../../../ui/activity-filters.tsx';
import { type ActivityFilter, activityRows, filterRows } from '../../../ui/activity-rows.ts';
import { Empty } from '../../../ui/empty.tsx';
import { Problem } from './problem.tsx';
import { RecordList } from './record-list.tsx';
import { TrafficStrip } from './traffic.tsx';
import { type Live as LiveState, useLive } from './use-live.ts';

const everything: ActivityFilter = { text: '', api: '', deniedOnly: false };

/** What goes through the relay, as it goes. */
export function Live(): ReactNode {
  const [filter, setFilter] = useState(everything);
  const [isPaused, setPaused] = useState(false);
  const live = useLive(isPaused);
  const rows = useMemo(() => activityRows(live.records), [live.records]);
  const shown = useMemo(() => filterRows(rows, filter), [rows, filter]);
  const apis = useMemo(() => [...new Set(rows.flatMap((row) => row.api ?? []))].sort(), [rows]);
  const at = useCallback((index: number) => shown[index] ?? '', [shown]);
  return (
    <section className="screen fill" aria-labelledby="live">
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <Title order={2} size="h4" id="live">
            Live traffic
          </Title>
          <State live={live} isPaused={isPaused} />
        </Group>
        <Button
          size="xs"
          variant={isPaused ? 'filled' : 'default'}
          leftSection={
            isPaused ? (
              <IconPlayerPlay size={15} aria-hidden />
            ) : (
              <IconPlayerPause size={15} aria-hidden />
            )
          }
          onClick={() => setPaused(!isPaused)}
        >
          {isPaused ? `Resume${live.waiting > 0 ? ` (${live.waiting} new)` : ''}` : 'Pause'}
        </Button>
      </Group>
      <TrafficStrip />
      <ActivityFilters
        label="the live traffic"
        finds="person, path, code, request id"
        filter={filter}
        apis={apis}
        onChange={setFilter}
      />
      <Problem text={live.problem} />
      {live.state === 'connecting' ? (
        <Text c="dimmed" role="status">
          Reading …
        </Text>
      ) : shown.length === 0 ? (
        <Empty title={rows.length === 0 ? 'Nothing yet' : 'Nothing matches the filter'}>
          <Text size="sm" c="dimmed">
            {rows.length === 0
              ? 'Requests show up here as they happen.'
              : 'Only the newest records are looked through here; the search knows all of them.'}
          </Text>
          {rows.length > 0 && (
            <Button mt="sm" variant="default" size="xs" onClick={() => setFilter(everything)}>
              Clear the filter
            </Button>
          )}
        </Empty>
      ) : (
        <RecordList label="Live traffic, newest first" count={shown.length} at={at} />
      )}
    </section>
  );
}

function State({
  live,
  isPaused,
}: {
  readonly live: LiveState;
  readonly isPaused: boolean;
}): ReactNode {
  const words = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost' };
  const colors = { connecting: 'gray', live: 'latch', lost: 'orange' };
  return (
    <Badge role="status" variant="light" tt="none" color={isPaused ? 'gray' : colors[live.state]}>
      {isPaused ? 'Paused' : words[live.state]}
    </Badge>
  );
}
