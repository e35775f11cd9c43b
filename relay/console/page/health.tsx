import { Button, Card, Group, SimpleGrid, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { type FactList, Facts } from '../../../ui/facts.tsx';
import { formatDuration, formatTime } from '../../../ui/format.ts';
import type { CheckView, StatusView, VerificationView } from '../data.ts';
import { Problem } from './problem.tsx';
import { ask, type Data } from './use-data.ts';

/** How the relay is, and whether the audit can be believed. */
export function Health({ status }: { readonly status: Data<StatusView> }): ReactNode {
  const { value } = status;
  return (
    <section className="screen" aria-labelledby="health">
      <Title order={2} size="h4" id="health">
        Health and integrity
      </Title>
      {value !== undefined && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Checks checks={value.checks} />
          <Chain status={value} reload={status.reload} />
          <Configuration status={value} />
        </SimpleGrid>
      )}
    </section>
  );
}

function Checks({ checks }: { readonly checks: readonly CheckView[] }): ReactNode {
  return (
    <Card component="section" withBorder padding="md">
      <Title order={3} size="h6" mb="xs">
        Readiness
      </Title>
      <ul className="checks">
        {checks.map(({ name, ok, detail, keys, keysAgeSeconds }) => (
          <li key={name} data-ok={ok}>
            {ok ? (
              <IconCircleCheck size={17} aria-label="Fine" />
            ) : (
              <IconAlertTriangle size={17} aria-label="Not fine" />
            )}
            <div>
              <Text size="sm">{name === 'draining' ? 'not draining' : name}</Text>
              {detail !== undefined && (
                <Text size="xs" c="dimmed">
                  {detail}
                </Text>
              )}
              {keys !== undefined && (
                <Text size="xs" c="dimmed">
                  {keys === 1 ? '1 key' : `${keys} keys`}, fetched{' '}
                  {formatDuration((keysAgeSeconds ?? 0) * 1000)} ago
                </Text>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function verdict(view: VerificationView): readonly [text: string, isFine: boolean | undefined] {
  switch (view.kind) {
    case 'never':
      return ['Not checked since the relay started.', undefined];
    case 'running':
      return [`Being checked since ${formatTime(view.startedAt)} …`, undefined];
    case 'failed':
      return [`The check failed at ${formatTime(view.endedAt)}: ${view.problem}`, false];
    case 'done': {
      const { ok, records, checkpoints, faults } = view.result;
      const size = `${records.toLocaleString('en')} records and ${checkpoints.toLocaleString('en')} signed checkpoints`;
      return ok
        ? [`Verified at ${formatTime(view.endedAt)}: ${size}, nothing was changed.`, true]
        : [`${faults.length} faults found at ${formatTime(view.endedAt)}, among ${size}.`, false];
    }
    default:
      return view satisfies never;
  }
}

function Chain({
  status,
  reload,
}: {
  readonly status: StatusView;
  readonly reload: () => void;
}): ReactNode {
  const [problem, setProblem] = useState<string>();
  const { audit, checkpoint, verification, verifyFrom } = status;
  const [text, isFine] = verdict(verification);
  const isWaiting = verification.kind === 'running' || verifyFrom !== undefined;
  const verify = (): void => {
    setProblem(undefined);
    ask('/console/api/verification', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
    })
      .catch((error: unknown) => setProblem((error as Error).message))
      .finally(reload);
  };
  const facts: FactList = {
    Records: audit.head.toLocaleString('en'),
    Waiting: audit.lagMs === 0 ? 'none' : `since ${formatDuration(audit.lagMs)}`,
    Trouble: audit.problem,
    Checkpoint:
      checkpoint === undefined
        ? 'none yet'
        : `record ${checkpoint.seq.toLocaleString('en')}, signed ${formatTime(checkpoint.at)} by key ${checkpoint.keyId}`,
  };
  return (
    <Card component="section" withBorder padding="md">
      <Title order={3} size="h6" mb="xs">
        The audit’s chain
      </Title>
      <Group
        gap="xs"
        wrap="nowrap"
        align="start"
        mb="sm"
        role="status"
        data-fine={isFine}
        className="verdict"
      >
        {isFine === true && <IconCircleCheck size={18} aria-hidden />}
        {isFine === false && <IconAlertTriangle size={18} aria-hidden />}
        <Text size="sm">{text}</Text>
      </Group>
      {verification.kind === 'done' && !verification.result.ok && (
        <ul className="faults">
          {verification.result.faults.slice(0, 20).map(({ segment, seq, what }, at) => (
            // oxlint-disable-next-line react/no-array-index-key -- the list never changes
            <li key={at}>
              {[segment, seq === undefined ? undefined : `record ${seq}`, what]
                .filter(Boolean)
                .join(': ')}
            </li>
          ))}
        </ul>
      )}
      <Facts facts={facts} />
      <Problem text={problem} />
      <Group mt="md" gap="sm">
        <Button size="xs" variant="default" disabled={isWaiting} onClick={verify}>
          Verify the whole chain
        </Button>
        <Text size="xs" c="dimmed">
          Reads all records, beside the relay’s work; once a minute at most.
        </Text>
      </Group>
    </Card>
  );
}

function Configuration({ status }: { readonly status: StatusView }): ReactNode {
  const { hash, loadedAt, insecure, lastReloadFailure } = status.config;
  const facts: FactList = {
    'In effect': (
      <span key="hash" className="mono" title={hash}>
        {hash.slice(0, 16)}…
      </span>
    ),
    Since: formatTime(loadedAt),
    Insecure: insecure.length === 0 ? 'no opt-out is set' : insecure.join(', '),
    'Last reload': lastReloadFailure && `refused at ${formatTime(lastReloadFailure.at)}`,
    Why: lastReloadFailure?.faults.map(({ path, message }) => `${path} ${message}`).join('; '),
  };
  return (
    <Card component="section" withBorder padding="md">
      <Title order={3} size="h6" mb="xs">
        Configuration
      </Title>
      <Facts facts={facts} />
    </Card>
  );
}
