import { Button, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { ReactNode } from 'react';
import { CopyButton } from '../../ui/copy-button.tsx';
import { FindingLine } from './finding-line.tsx';
import { checkedWords } from './health-words.ts';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';
import { titleOf } from './profile.ts';
import type { Diagnosis } from './use-diagnosis.ts';

/** What `latchkey doctor` finds, and what to do about it. */
export function Health({
  bridge,
  agent,
  snapshot,
  profile,
  diagnosis: { value, isRunning, problem, run },
}: PartProps & { readonly diagnosis: Diagnosis }): ReactNode {
  const isFirst = value === undefined && problem === undefined && !isRunning;
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
              {checkedWords(value, isRunning, titleOf(snapshot, profile))}
            </Text>
          </div>
          <Group gap="sm" wrap="nowrap" className="fixed">
            {value !== undefined && (
              <CopyButton
                key={profile[0]}
                text="Copy the report"
                label="Copy the report"
                onCopy={() => agent.run(() => bridge.copyDiagnosis(...profile))}
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
