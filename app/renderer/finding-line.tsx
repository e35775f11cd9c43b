import { Badge, Text } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { FindingView } from '../main/ipc/contract.ts';
import { checkTitle } from './health-words.ts';

const looks = {
  ok: { text: 'fine', color: 'latch', Icon: IconCircleCheck },
  warn: { text: 'warning', color: 'orange', Icon: IconAlertTriangle },
  fail: { text: 'problem', color: 'red', Icon: IconCircleX },
  skip: { text: 'skipped', color: 'gray', Icon: IconCircleDashed },
} as const satisfies Record<FindingView['outcome'], unknown>;

/** One check: its verdict in a word, a shape and a colour, what was found, and what to do. */
export function FindingLine({
  finding: { name, outcome, detail, todo },
}: {
  readonly finding: FindingView;
}): ReactNode {
  const { text, color, Icon } = looks[outcome];
  return (
    <li data-check={name} data-outcome={outcome}>
      <Badge
        className="fixed"
        variant="light"
        color={color}
        size="md"
        radius="sm"
        tt="none"
        fw={600}
        w={96}
        leftSection={<Icon size={13} aria-hidden />}
      >
        {text}
      </Badge>
      <div className="found">
        <Text size="sm" fw={600}>
          {checkTitle(name)}
        </Text>
        <Text size="sm" c="dimmed" className="wraps">
          {detail}
        </Text>
        {todo !== undefined && (
          <Text size="sm" className="wraps" mt={2}>
            {todo}
          </Text>
        )}
      </div>
    </li>
  );
}
