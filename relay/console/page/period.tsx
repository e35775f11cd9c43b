import { Group, SegmentedControl, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Summary } from '../data.ts';
import { Problem } from './problem.tsx';
import { go, hrefOf, usePlace } from './router.ts';
import { type Data, useData } from './use-data.ts';

const periods = [
  { value: '60', label: '1 hour' },
  { value: '1440', label: '1 day' },
  { value: '10080', label: '7 days' },
  { value: '40320', label: '28 days' },
];

/**
 * What happened in the time that the address names.
 *
 * @returns the summary, and how many minutes it is of
 */
export function usePeriod(): Data<Summary> & { readonly minutes: string } {
  const asked = usePlace().query.get('minutes') ?? '1440';
  const minutes = periods.some(({ value }) => value === asked) ? asked : '1440';
  return { ...useData<Summary>(`/console/api/summary?minutes=${minutes}`), minutes };
}

/** A screen's title, and the choice of its time. */
export function PeriodHeading({
  screen,
  title,
  data,
}: {
  readonly screen: string;
  readonly title: string;
  readonly data: ReturnType<typeof usePeriod>;
}): ReactNode {
  return (
    <>
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h4" id={screen}>
          {title}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label="Time"
          data={periods}
          value={data.minutes}
          onChange={(minutes) => go(hrefOf(screen, { minutes }), 'replace')}
        />
      </Group>
      <Problem text={data.problem} />
      {data.value === undefined && data.problem === undefined && (
        <Text c="dimmed" role="status">
          Counting …
        </Text>
      )}
      {data.value?.isPartial === true && (
        <Text size="sm" c="dimmed">
          Counted from the newest {data.value.records.toLocaleString('en')} records of this time.
        </Text>
      )}
    </>
  );
}
