import { Badge, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconLogout } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Logo } from '../../../ui/logo.tsx';
import type { SessionView, StatusView } from '../data.ts';
import { follow } from './link.tsx';
import { hrefOf } from './router.ts';
import { ask } from './use-data.ts';

function signOut(): void {
  const order = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  // However it went: a session that the relay does not know is over, too.
  const leave = (): void => location.assign('/console/signed-out');
  ask('/console/sign-out', order).then(leave, leave);
}

/** Name, state, who looks, and the way out. */
export function Header({
  session,
  status,
}: {
  readonly session: SessionView;
  readonly status: StatusView | undefined;
}): ReactNode {
  const { person } = session;
  return (
    <header className="top">
      <Group gap="sm" wrap="nowrap" miw={0}>
        <Logo />
        <Text component="h1" fw={650} size="lg" className="truncate">
          Latchkey <span className="wide">relay</span>
        </Text>
        {status !== undefined && <Readiness status={status} />}
      </Group>
      {person === undefined ? (
        <Text size="xs" c="dimmed" className="wide">
          Open to this machine, without a sign-in · {session.version}
        </Text>
      ) : (
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Text size="sm" fw={600} className="truncate" title={person.user}>
            {person.name ?? person.user}
          </Text>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconLogout size={15} aria-hidden />}
            onClick={signOut}
          >
            Sign out
          </Button>
        </Group>
      )}
    </header>
  );
}

function Readiness({ status }: { readonly status: StatusView }): ReactNode {
  const faults = status.checks.filter(({ ok }) => !ok);
  const isReady = faults.length === 0;
  const Icon = isReady ? IconCircleCheck : IconAlertTriangle;
  return (
    <a
      href={hrefOf('health')}
      className="state"
      aria-label={
        isReady
          ? 'Ready: see health'
          : `Not ready, ${faults.map(({ name }) => name).join(', ')}: see health`
      }
      onClick={(event) => follow(event, hrefOf('health'))}
    >
      <Badge
        color={isReady ? 'latch' : 'red'}
        variant="light"
        size="lg"
        tt="none"
        leftSection={<Icon size={15} aria-hidden />}
      >
        {isReady ? 'Ready' : 'Not ready'}
      </Badge>
    </a>
  );
}
