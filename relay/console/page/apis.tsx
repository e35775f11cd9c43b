import { Badge, Card, Group, SimpleGrid, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { type FactList, Facts } from '../../../ui/facts.tsx';
import { formatDuration, formatTime } from '../../../ui/format.ts';
import type { ApiSummary, ApiView, UpstreamView } from '../data.ts';
import { Link } from './link.tsx';
import { PeriodHeading, usePeriod } from './period.tsx';
import { Problem } from './problem.tsx';
import { hrefOf } from './router.ts';
import { useData } from './use-data.ts';

const FRESH_MS = 15_000;

/** Every API: how it is, and how it was used. */
export function Apis(): ReactNode {
  const data = usePeriod();
  const apis = useData<readonly ApiView[]>('/console/api/apis', FRESH_MS);
  const used = new Map(data.value?.apis.map((api) => [api.api, api]));
  return (
    <section className="screen" aria-labelledby="apis">
      <PeriodHeading screen="apis" title="APIs" data={data} />
      <Problem text={apis.problem} />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {(apis.value ?? []).map((api) => (
          <Api key={api.name} api={api} summary={used.get(api.name)} />
        ))}
      </SimpleGrid>
    </section>
  );
}

/** Of answers, from where on an API counts as failing, and as troubled. */
const FAILING = 0.5;
const TROUBLED = 0.05;

function stateOf(
  upstreams: readonly UpstreamView[],
  errorRate: number,
): readonly [text: string, color: string] {
  const away = upstreams.filter(({ isUsed }) => !isUsed).length;
  if (away > 0) return away === upstreams.length ? ['Down', 'red'] : ['Degraded', 'orange'];
  if (errorRate >= FAILING) return ['Failing', 'red'];
  return errorRate >= TROUBLED ? ['Errors', 'orange'] : ['Healthy', 'latch'];
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(rate > 0 && rate < 0.1 ? 1 : 0)} %`;
}

function usage(api: string, summary: ApiSummary | undefined): FactList {
  if (summary === undefined) return { Requests: 'none in this time' };
  const { requests, denied, errorRate, errors, people, p50, p95, lastAt } = summary;
  return {
    Requests: (
      <Link href={hrefOf('search', { api, kind: 'request' })}>{requests.toLocaleString('en')}</Link>
    ),
    Refused:
      denied === 0 ? (
        'none'
      ) : (
        <Link href={hrefOf('search', { api, decision: 'deny' })}>
          {denied.toLocaleString('en')}
        </Link>
      ),
    Failed: errors === 0 ? 'none' : `${errors.toLocaleString('en')} (${percent(errorRate)})`,
    People: people,
    'Half within': p50 === undefined ? undefined : formatDuration(p50),
    '95 % within': p95 === undefined ? undefined : formatDuration(p95),
    Last: formatTime(lastAt),
  };
}

function Api({
  api,
  summary,
}: {
  readonly api: ApiView;
  readonly summary: ApiSummary | undefined;
}): ReactNode {
  const [text, color] = stateOf(api.upstreams, summary?.errorRate ?? 0);
  const Icon = color === 'latch' ? IconCircleCheck : IconAlertTriangle;
  return (
    <Card component="article" withBorder padding="md" aria-label={api.title}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Title order={3} size="h5" className="truncate">
          {api.title}
        </Title>
        <Badge variant="light" color={color} tt="none" leftSection={<Icon size={13} aria-hidden />}>
          {text}
        </Badge>
      </Group>
      <Text size="sm" c="dimmed" mb="sm">
        {api.description ?? api.path}
      </Text>
      <Facts facts={usage(api.name, summary)} />
      <ul className="upstreams" aria-label={`Addresses of ${api.title}`}>
        {api.upstreams.map(({ upstream, isUsed, problem }) => (
          <li key={upstream} data-used={isUsed}>
            {isUsed ? (
              <IconCircleCheck size={15} aria-label="Used" />
            ) : (
              <IconAlertTriangle size={15} aria-label="Not used" />
            )}
            <span className="mono truncate" title={upstream}>
              {upstream}
            </span>
            {problem !== undefined && <Text size="xs">{problem}</Text>}
          </li>
        ))}
      </ul>
      {!api.isAuditRequired && (
        <Text size="sm" mt="xs">
          Requests go on without a record when the audit cannot be written.
        </Text>
      )}
    </Card>
  );
}
