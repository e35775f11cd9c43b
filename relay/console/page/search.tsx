import { Group, Text, Title } from '@mantine/core';
import { useCallback } from 'react';
import type { ReactNode } from 'react';
import type { ActivityRow } from '../../../ui/activity-rows.ts';
import { Empty } from '../../../ui/empty.tsx';
import type { ApiView, AuditRecord } from '../data.ts';
import { Link } from './link.tsx';
import { Problem } from './problem.tsx';
import { RecordList } from './record-list.tsx';
import { activityOf } from './record-view.ts';
import { go, hrefOf, usePlace } from './router.ts';
import { filterNames, SearchFilters, type SearchFilter } from './search-filters.tsx';
import { useData } from './use-data.ts';
import { useRecords } from './use-records.ts';

/** One record by itself: here a request does not wait for its end. */
function rowOf(record: AuditRecord): ActivityRow {
  return { ...activityOf(record), key: String(record.seq), open: false };
}

function filterOf(query: URLSearchParams): SearchFilter {
  const given = filterNames.map((name) => [name, query.get(name) ?? ''] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** Looks through all records; the filter is in the address, so that a search can be passed on. */
export function Search(): ReactNode {
  const filter = filterOf(usePlace().query);
  const asked = new URLSearchParams(filter).toString();
  const records = useRecords(asked);
  const { at: recordAt } = records;
  const apis = useData<readonly ApiView[]>('/console/api/apis').value ?? [];
  const at = useCallback(
    (index: number): ActivityRow | string => {
      const record = recordAt(index);
      if (record === undefined) return '…';
      return record === 'gone' ? 'expired' : rowOf(record);
    },
    [recordAt],
  );
  const isEmpty = records.count === 0 && !records.isLoading && records.problem === undefined;
  return (
    <section className="screen fill" aria-labelledby="search">
      <Group justify="space-between">
        <Title order={2} size="h4" id="search">
          Search the audit
        </Title>
        <Text size="sm" c="dimmed" role="status">
          {records.isLoading ? 'Searching …' : countText(records.count, records.hasMore, asked)}
        </Text>
      </Group>
      <SearchFilters
        key={asked}
        filter={filter}
        apis={apis.map(({ name, title }) => ({ value: name, label: title }))}
        onChange={(next) => go(hrefOf('search', next))}
      />
      <Problem text={records.problem} />
      {isEmpty ? (
        <Empty title={asked === '' ? 'Nothing is recorded yet' : 'No record matches'}>
          <Text size="sm" c="dimmed">
            {asked === '' ? (
              'Records show up here once requests come.'
            ) : (
              <>
                Take something out of the filter, or{' '}
                <Link href={hrefOf('search', {})}>show all records</Link>.
              </>
            )}
          </Text>
        </Empty>
      ) : (
        <RecordList
          label="Records, newest first"
          count={records.count}
          at={at}
          onRange={records.need}
        />
      )}
    </section>
  );
}

function countText(count: number, hasMore: boolean, asked: string): string {
  const number = count.toLocaleString('en');
  if (asked === '') return `${number} records`;
  if (count === 1 && !hasMore) return '1 record found';
  return hasMore ? `${number} found so far; scroll for more` : `${number} records found`;
}
