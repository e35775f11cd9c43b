import { Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Empty } from '../../../ui/empty.tsx';
import { formatTime } from '../../../ui/format.ts';
import { outsideText } from '../../../ui/outside-text.ts';
import type { PersonSummary } from '../data.ts';
import { Link } from './link.tsx';
import { PeriodHeading, usePeriod } from './period.tsx';
import { ERASED } from './record-view.ts';
import { hrefOf } from './router.ts';

const MOST_APIS = 4;

/** Who used what lately. */
export function People(): ReactNode {
  const data = usePeriod();
  const people = data.value?.people ?? [];
  return (
    <section className="screen" aria-labelledby="people">
      <PeriodHeading screen="people" title="People" data={data} />
      {data.value !== undefined && people.length === 0 && (
        <Empty title="Nobody came in this time">
          <Text size="sm" c="dimmed">
            Choose a longer time to look further back.
          </Text>
        </Empty>
      )}
      {people.length > 0 && (
        <div className="panel">
          <Table verticalSpacing={7} aria-label="People, most requests first">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Person</Table.Th>
                <Table.Th className="wide">What they used</Table.Th>
                <Table.Th className="number">Requests</Table.Th>
                <Table.Th className="number">Refused</Table.Th>
                <Table.Th className="number wide">Failed</Table.Th>
                <Table.Th className="number">Last</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {people.map((person) => (
                <Person key={`${person.issuer} ${person.user ?? person.who}`} person={person} />
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </section>
  );
}

function Person({ person }: { readonly person: PersonSummary }): ReactNode {
  const { user, who, name, issuer, apis, requests, denied, errors, lastAt } = person;
  const key = user ?? who ?? '';
  const more = apis.length - MOST_APIS;
  return (
    <Table.Tr>
      <Table.Td>
        <Link href={hrefOf('search', { user: key })}>
          {outsideText(name ?? user ?? `${ERASED} ${key.slice(0, 6)}`)}
        </Link>
        {name !== undefined && user !== undefined && name !== user && (
          <Text size="xs" c="dimmed" className="truncate" title={issuer}>
            {user}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="wide">
        <Text size="sm">
          {apis.slice(0, MOST_APIS).map(({ api, requests: times }, at) => (
            <span key={api}>
              {at > 0 && ', '}
              <Link href={hrefOf('search', { user: key, api })}>{api}</Link> {times}
            </span>
          ))}
          {more > 0 && `, ${more} more`}
        </Text>
      </Table.Td>
      <Table.Td className="number">{requests.toLocaleString('en')}</Table.Td>
      <Table.Td className="number">{denied === 0 ? '–' : denied.toLocaleString('en')}</Table.Td>
      <Table.Td className="number wide">
        {errors === 0 ? '–' : errors.toLocaleString('en')}
      </Table.Td>
      <Table.Td className="number">{formatTime(lastAt)}</Table.Td>
    </Table.Tr>
  );
}
