import { Button, Group, Text } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Logo } from '../../ui/logo.tsx';
import { outsideText } from '../../ui/outside-text.ts';
import type { PartProps } from './part-props.ts';
import { ProfileSelect } from './profile-select.tsx';
import { StatusBadge } from './status-badge.tsx';

/** Name, state, person and the way out. */
export function Header({
  onChoose,
  ...part
}: PartProps & { readonly onChoose: (profile: string) => void }): ReactNode {
  const { bridge, agent, snapshot, profile } = part;
  const { user, status } = snapshot;
  const signedIn = status === 'ready' || status === 'offline' || status === 'expired';
  return (
    <Group component="header" className="header" justify="space-between" wrap="nowrap" gap="md">
      <Group className="fixed" gap="sm" wrap="nowrap">
        <Logo />
        <Text component="h1" fw={650} size="lg">
          Latchkey
        </Text>
        <ProfileSelect {...part} onChoose={onChoose} />
        <StatusBadge status={status} />
      </Group>
      {signedIn && (
        <Group gap="md" wrap="nowrap" miw={0}>
          {user !== undefined && (
            <div className="person">
              <Text size="sm" fw={600} truncate>
                {outsideText(user.name ?? user.email ?? user.subject)}
              </Text>
              {user.name !== undefined && user.email !== undefined && (
                <Text size="xs" c="dimmed" truncate>
                  {outsideText(user.email)}
                </Text>
              )}
            </div>
          )}
          <Button
            variant="default"
            size="xs"
            leftSection={<IconLogout size={15} aria-hidden />}
            disabled={agent.busy}
            onClick={() => void agent.run(() => bridge.signOut(...profile))}
          >
            Sign out
          </Button>
        </Group>
      )}
    </Group>
  );
}
