import { Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Empty } from '../../../ui/empty.tsx';
import { formatTime } from '../../../ui/format.ts';
import type { DenialSummary } from '../data.ts';
import { Link } from './link.tsx';
import { PeriodHeading, usePeriod } from './period.tsx';
import { reasonText } from './reasons.ts';
import { hrefOf, storyHref } from './router.ts';
import { Bars } from './traffic.tsx';

/** What was refused, by reason. */
export function Denials(): ReactNode {
  const data = usePeriod();
  const denials = data.value?.denials ?? [];
  return (
    <section className="screen" aria-labelledby="denials">
      <PeriodHeading screen="denials" title="Refusals by reason" data={data} />
      {data.value !== undefined && (
        <div className="panel chart">
          <Bars points={data.value.series} />
        </div>
      )}
      {data.value !== undefined && denials.length === 0 && (
        <Empty title="Nothing was refused in this time">
          <Text size="sm" c="dimmed">
            Choose a longer time to look further back.
          </Text>
        </Empty>
      )}
      {denials.length > 0 && (
        <div className="panel reasons">
          <Table verticalSpacing={7} aria-label="Reasons, most frequent first">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Reason</Table.Th>
                <Table.Th className="number">Times</Table.Th>
                <Table.Th className="number wide">People</Table.Th>
                <Table.Th className="wide">APIs</Table.Th>
                <Table.Th className="number">Last</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {denials.map((denial) => (
                <Denial key={denial.code} denial={denial} />
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </section>
  );
}

function Denial({ denial }: { readonly denial: DenialSummary }): ReactNode {
  const { code, count, people, apis, lastAt, lastRequestId } = denial;
  const time = formatTime(lastAt);
  return (
    <Table.Tr>
      <Table.Td>
        <Link href={hrefOf('search', { reason: code, kind: 'request' })}>{code}</Link>
        <Text size="xs" c="dimmed">
          {reasonText(code)}
        </Text>
      </Table.Td>
      <Table.Td className="number">{count.toLocaleString('en')}</Table.Td>
      <Table.Td className="number wide">{people === 0 ? '–' : people}</Table.Td>
      <Table.Td className="wide">{apis.join(', ') || '–'}</Table.Td>
      <Table.Td className="number">
        {lastRequestId === undefined ? time : <Link href={storyHref(lastRequestId)}>{time}</Link>}
      </Table.Td>
    </Table.Tr>
  );
}
