import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import { isRefused } from './activity-rows.ts';
import type { ActivityRow } from './activity-rows.ts';
import { resultText } from './format.ts';

/** How a request ended, in words and in colour. */
export function ResultBadge({ row }: { readonly row: ActivityRow }): ReactNode {
  if (row.open) return <Mark color="blue" text="under way" />;
  const text = resultText(row);
  if ((row.status ?? 0) >= 500) return <Mark color="red" text={text} />;
  return <Mark color={isRefused(row) ? 'orange' : 'latch'} text={text} />;
}

/** A word with a colour. */
export function Mark({
  color,
  text,
}: {
  readonly color: string;
  readonly text: string;
}): ReactNode {
  return (
    <Badge variant="light" color={color} size="md" radius="sm" tt="none" fw={600}>
      {text}
    </Badge>
  );
}
