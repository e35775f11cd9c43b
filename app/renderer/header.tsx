import { Button, Group, Text } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';
import { StatusBadge } from './status-badge.tsx';

/** Name, state, person and the way out. */
export function Header({ bridge, agent, snapshot }: PartProps): ReactNode {
  const { user, status } = snapshot;
  const signedIn = status === 'ready' || status === 'offline' || status === 'expired';
  return (
    <Group component="header" className="header" justify="space-between" wrap="nowrap" gap="md">
      <Group gap="sm" wrap="nowrap">
        <Logo />
        <Text component="h1" fw={650} size="lg">
          Latchkey
        </Text>
        <StatusBadge status={status} />
      </Group>
      {signedIn && (
        <Group gap="md" wrap="nowrap" miw={0}>
          {user !== undefined && (
            <div className="person">
              <Text size="sm" fw={600} truncate>
                {user.name ?? user.email ?? user.subject}
              </Text>
              {user.name !== undefined && user.email !== undefined && (
                <Text size="xs" c="dimmed" truncate>
                  {user.email}
                </Text>
              )}
            </div>
          )}
          <Button
            variant="default"
            size="xs"
            leftSection={<IconLogout size={15} aria-hidden />}
            disabled={agent.busy}
            onClick={() => void agent.run(() => bridge.signOut())}
          >
            Sign out
          </Button>
        </Group>
      )}
    </Group>
  );
}

function Logo(): ReactNode {
  return (
    <svg className="logo" viewBox="0 0 22 22" width="30" height="30" aria-hidden>
      <rect width="22" height="22" rx="5.5" />
      <g transform="translate(1.6 1.6) scale(.855)">
        <path
          fillRule="evenodd"
          d="M8.2 4.2a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 0 0 0-9.2zM7.3 6.5a1.5 1.5 0 1 1 0 3a1.5 1.5 0 0 1 0-3z"
        />
        <path d="M11.2 10.2l7 7v2.1h-2.9v-2h-2v-2h-1.6l-2.2-2.2z" />
      </g>
    </svg>
  );
}
