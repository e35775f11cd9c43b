import { Badge } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCloudOff,
  IconDots,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { SnapshotView } from '../main/ipc/contract.ts';

const looks = {
  'signed-out': { text: 'Signed out', color: 'gray', Icon: IconCircleDashed },
  'signing-in': { text: 'Signing in', color: 'blue', Icon: IconDots },
  ready: { text: 'Ready', color: 'latch', Icon: IconCircleCheck },
  offline: { text: 'Offline', color: 'gray', Icon: IconCloudOff },
  expired: { text: 'Session expired', color: 'orange', Icon: IconAlertTriangle },
} as const satisfies Record<SnapshotView['status'], unknown>;

/** The state in a word, a shape and a colour. */
export function StatusBadge({ status }: { readonly status: SnapshotView['status'] }): ReactNode {
  const { text, color, Icon } = looks[status];
  return (
    <Badge
      className="status"
      role="status"
      aria-live="polite"
      color={color}
      variant="light"
      size="lg"
      leftSection={<Icon size={15} aria-hidden />}
    >
      {text}
    </Badge>
  );
}
