import { Card, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';
import { RelayForm } from './relay-form.tsx';

/** The first screen of all: one question. */
export function FirstRun(part: PartProps): ReactNode {
  return (
    <Card className="hero" withBorder padding="xl">
      <Stack gap="lg">
        <div>
          <Title order={2} size="h3">
            Connect to your company
          </Title>
          <Text c="dimmed" mt={6}>
            Latchkey reaches internal APIs from this computer, without a VPN and without pasted
            tokens. It needs one thing: where your company’s relay is.
          </Text>
        </div>
        <RelayForm {...part} />
      </Stack>
    </Card>
  );
}
