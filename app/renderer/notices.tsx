import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';

const titles: Readonly<Record<string, string>> = {
  port_in_use: 'The local port is taken',
  already_running: 'Latchkey is already running',
  audit_unavailable: 'The audit cannot be written',
  relay_unreachable: 'The relay cannot be reached',
  not_a_relay: 'This is not a Latchkey relay',
  no_desktop_client: 'The relay offers no sign-in',
  provider_unreachable: 'The identity provider cannot be reached',
  provider_protocol: 'The identity provider gave a bad answer',
  provider_refused: 'The identity provider refused',
  consent_refused: 'Access was refused in the browser',
  sign_in_timeout: 'The sign-in was not finished in time',
  session_expired: 'The session has expired',
  step_up: 'Confirm that it is you',
  other_person: 'Somebody else signed in',
  bad_settings: 'The settings need attention',
};

const addressFaults = new Set(['not_a_relay', 'no_desktop_client', 'relay_unreachable']);

/** What is wrong and what to do about it. */
export function Notices({ bridge, agent, snapshot, profile }: PartProps): ReactNode {
  const { fault } = snapshot;
  const notStarted = snapshot.localUrl === undefined;
  const repeated = agent.problem !== undefined && agent.problem === fault?.message;
  if (fault === undefined && agent.problem === undefined) return null;
  return (
    <Stack gap="sm">
      {fault !== undefined && (
        <Alert
          role="alert"
          color="orange"
          title={titles[fault.code] ?? 'Something needs attention'}
          icon={<IconAlertTriangle aria-hidden />}
        >
          <Text size="sm">{fault.message}</Text>
          {notStarted && (
            <Button
              mt="sm"
              size="xs"
              disabled={agent.busy}
              onClick={() => void agent.run(() => bridge.retry())}
            >
              Try again
            </Button>
          )}
          {fault.code === 'step_up' && (
            <Button
              mt="sm"
              size="xs"
              disabled={agent.busy}
              onClick={() => void agent.run(() => bridge.signIn(...profile))}
            >
              Confirm
            </Button>
          )}
          {!notStarted && addressFaults.has(fault.code) && snapshot.relay !== undefined && (
            <Text size="sm" mt={4} c="dimmed">
              Relay: {snapshot.relay}
            </Text>
          )}
        </Alert>
      )}
      {agent.problem !== undefined && !repeated && (
        <Alert
          role="alert"
          color="red"
          title="That did not work"
          withCloseButton
          closeButtonLabel="Dismiss"
          onClose={agent.dismiss}
          icon={<IconAlertTriangle aria-hidden />}
        >
          {agent.problem}
        </Alert>
      )}
    </Stack>
  );
}
