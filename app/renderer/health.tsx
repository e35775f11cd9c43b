import { Button, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { ReactNode } from 'react';
import type { DiagnosisView } from '../main/ipc/contract.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { formatTime } from '../../ui/format.ts';
import { FindingLine } from './finding-line.tsx';
import { summary } from './health-words.ts';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';
import type { Diagnosis } from './use-diagnosis.ts';

/** What `latchkey doctor` finds, and what to do about it. */
export function Health({
  bridge,
  agent,
  diagnosis: { value, isRunning, problem, run },
}: PartProps & { readonly diagnosis: Diagnosis }): ReactNode {
  const isFirst = value === undefined && problem === undefined;
  useEffect(() => {
    if (isFirst) void run();
  }, [isFirst, run]);
  return (
    <section aria-labelledby="health" aria-busy={isRunning}>
      <Stack gap="md">
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="lg">
          <div>
            <Title order={2} size="h4" id="health">
              Health
            </Title>
            <Text size="sm" c="dimmed" mt={4} role="status">
              {statusWords(value, isRunning)}
            </Text>
          </div>
          <Group gap="sm" wrap="nowrap" className="fixed">
            {value !== undefined && (
              <CopyButton
                text="Copy the report"
                label="Copy the report"
                onCopy={() => agent.run(() => bridge.copyDiagnosis())}
              />
            )}
            <Button
              variant="default"
              size="compact-sm"
              leftSection={<IconRefresh size={15} aria-hidden />}
              loading={isRunning}
              onClick={() => void run()}
            >
              Run again
            </Button>
          </Group>
        </Group>
        {problem !== undefined && <Problem title="The checks did not run">{problem}</Problem>}
        {value === undefined ? (
          isRunning && <Loader size="sm" mx="auto" aria-label="Checking" />
        ) : (
          <ul className="findings" aria-label="Checks">
            {value.findings.map((finding) => (
              <FindingLine key={finding.name} finding={finding} />
            ))}
          </ul>
        )}
      </Stack>
    </section>
  );
}

function statusWords(value: DiagnosisView | undefined, isRunning: boolean): string {
  if (isRunning) return 'Checking this computer and the way to the relay …';
  if (value === undefined) return 'Not checked yet.';
  return `${summary(value.findings)} · checked at ${formatTime(new Date(value.atMs).toISOString())}`;
}
