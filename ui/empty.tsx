import { Paper, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** What stands where nothing is yet, and how to change that. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <Paper className="empty" withBorder p="xl" ta="center">
      <Text fw={600} mb={6}>
        {title}
      </Text>
      {children}
    </Paper>
  );
}
