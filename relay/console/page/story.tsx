import { Badge, Card, Group, SimpleGrid, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { activityRows } from '../../../ui/activity-rows.ts';
import { Empty } from '../../../ui/empty.tsx';
import { type FactList, Facts } from '../../../ui/facts.tsx';
import { eventWords } from '../../../ui/event-words.ts';
import { formatBytes, formatDuration } from '../../../ui/format.ts';
import { outsideText } from '../../../ui/outside-text.ts';
import { ResultBadge } from '../../../ui/result-badge.tsx';
import type { AuditRecord, StoryView } from '../data.ts';
import { Link } from './link.tsx';
import { Problem } from './problem.tsx';
import { reasonText } from './reasons.ts';
import { activityOf, ERASED, personOf } from './record-view.ts';
import { hrefOf } from './router.ts';
import { useData } from './use-data.ts';

/** Everything that is known of one request. */
export function Story({ id }: { readonly id: string }): ReactNode {
  const { value, problem, isLoading } = useData<StoryView>(
    `/console/api/requests/${encodeURIComponent(id)}`,
  );
  const records = value?.records ?? [];
  const request = records.find(({ kind }) => kind === 'request');
  return (
    <section className="screen" aria-labelledby="story">
      <Problem text={problem} />
      <Heading id={id} records={records} />
      {value !== undefined && records.length === 0 && (
        <Empty title="There is no record of this request">
          <Text size="sm" c="dimmed">
            It may have expired, or never have come here.{' '}
            <Link href={hrefOf('search', {})}>Search the audit</Link> for another.
          </Text>
        </Empty>
      )}
      {isLoading && value === undefined && <Text c="dimmed">Reading …</Text>}
      {request !== undefined && <Sides request={request} records={records} />}
      {records.length > 0 && <Raw records={records} />}
    </section>
  );
}

function Heading({
  id,
  records,
}: {
  readonly id: string;
  readonly records: readonly AuditRecord[];
}): ReactNode {
  const [row] = activityRows(records.map(activityOf).toReversed());
  return (
    <div>
      <Group gap="sm">
        <Title order={2} size="h4" id="story" className="story-title">
          {row?.method === undefined ? 'Request' : `${row.method} ${outsideText(row.path ?? '')}`}
        </Title>
        {row !== undefined && <ResultBadge row={row} />}
      </Group>
      <Text size="sm" c="dimmed" className="mono">
        {id}
      </Text>
    </div>
  );
}

function exact(at: string): string {
  return new Date(at).toLocaleString([], {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
}

function whoFacts(request: AuditRecord): FactList {
  const { user, issuer, clientId, tool, ip, binding, authTime, acr, tokenId } = request;
  const person = personOf(request);
  return {
    Person:
      user === undefined ? (
        (person ?? 'nobody was recognised')
      ) : (
        <Link href={hrefOf('search', { user })}>{person}</Link>
      ),
    Subject: person === ERASED ? undefined : user,
    Issuer: issuer,
    Client: clientId,
    Tool: tool?.name && outsideText(tool.name),
    Address: ip,
    'Signed in':
      authTime === undefined ? undefined : exact(new Date(authTime * 1000).toISOString()),
    Strength: acr,
    'Token bound':
      binding === undefined ? undefined : binding === 'none' ? 'no' : `yes, ${binding}`,
    Token: tokenId === undefined ? undefined : <Hash text={tokenId} />,
  };
}

function decisionFacts(request: AuditRecord, end: AuditRecord | undefined): FactList {
  const code = request.code ?? end?.code;
  const { api, rule, configHash, decision } = request;
  return {
    Decision:
      decision === undefined ? undefined : (
        <Badge variant="light" tt="none" color={decision === 'allow' ? 'latch' : 'orange'}>
          {decision === 'allow' ? 'Allowed' : 'Refused'}
        </Badge>
      ),
    API: api === undefined ? undefined : <Link href={hrefOf('search', { api })}>{api}</Link>,
    Rule: rule,
    Reason:
      code === undefined ? undefined : (
        <Link href={hrefOf('search', { reason: code })}>{code}</Link>
      ),
    'Which means': code === undefined ? undefined : reasonText(code),
    Refusals: (request.count ?? 1) > 1 ? `${request.count} alike, in one record` : undefined,
    Configuration: configHash === undefined ? undefined : <Hash text={configHash} />,
    Trace: request.traceId,
  };
}

function timeFacts(request: AuditRecord, end: AuditRecord | undefined): FactList {
  return {
    Decided: exact(request.at),
    Ended: end === undefined ? 'still under way, or never recorded' : exact(end.at),
    Took: end?.durationMs === undefined ? undefined : formatDuration(end.durationMs),
    Status: end?.status,
    Upstream: end?.upstream,
    Received: end?.bytesIn === undefined ? undefined : formatBytes(end.bytesIn),
    Sent: end?.bytesOut === undefined ? undefined : formatBytes(end.bytesOut),
    End: end === undefined ? undefined : eventWords(activityOf(end)),
  };
}

function Hash({ text }: { readonly text: string }): ReactNode {
  return (
    <span className="mono" title={text}>
      {text.slice(0, 16)}…
    </span>
  );
}

function Panel({ title, facts }: { readonly title: string; readonly facts: FactList }): ReactNode {
  return (
    <Card component="section" withBorder padding="md">
      <Title order={3} size="h6" mb="xs">
        {title}
      </Title>
      <Facts facts={facts} />
    </Card>
  );
}

function Sides({
  request,
  records,
}: {
  readonly request: AuditRecord;
  readonly records: readonly AuditRecord[];
}): ReactNode {
  const end = records.find(({ kind }) => kind === 'outcome' || kind === 'interrupted');
  const others = records.filter((record) => record !== request && record !== end);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      <Panel title="Who" facts={whoFacts(request)} />
      <Panel title="What was decided, and why" facts={decisionFacts(request, end)} />
      <Panel title="When, and how it went" facts={timeFacts(request, end)} />
      {others.length > 0 && <Others records={others} />}
    </SimpleGrid>
  );
}

function Others({ records }: { readonly records: readonly AuditRecord[] }): ReactNode {
  return (
    <Card component="section" withBorder padding="md">
      <Title order={3} size="h6" mb="xs">
        What else was noticed
      </Title>
      <ul className="plain">
        {records.map((record) => (
          <li key={record.seq}>
            {eventWords(activityOf(record))} · {exact(record.at)}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Raw({ records }: { readonly records: readonly AuditRecord[] }): ReactNode {
  return (
    <details className="raw">
      <summary>
        {records.length === 1 ? 'The record' : `The ${records.length} records`} as kept
      </summary>
      {records.map((record) => (
        <pre key={record.seq} tabIndex={0} aria-label={`Record ${record.seq}, ${record.kind}`}>
          {JSON.stringify(record, undefined, 2)}
        </pre>
      ))}
    </details>
  );
}
