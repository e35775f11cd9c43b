import { ActionIcon, Group, SimpleGrid, Text, Title, Tooltip } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiCard } from './api-card.tsx';
import type { PartProps } from './part-props.ts';
import { Empty } from '../../ui/empty.tsx';

/** Every API that this person may use. */
export function Apis(part: PartProps): ReactNode {
  const { bridge, agent, snapshot, profile } = part;
  return (
    <section aria-labelledby="apis">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4" id="apis">
          APIs
        </Title>
        <Tooltip label="Ask the relay again">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label="Refresh the list of APIs"
            disabled={agent.busy}
            onClick={() => void agent.run(() => bridge.refreshApis(...profile))}
          >
            <IconRefresh size={17} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Group>
      {snapshot.apis.length === 0 ? (
        <Empty title="No API is open to you yet">
          <Text size="sm" c="dimmed">
            {snapshot.status === 'offline'
              ? 'The list comes back when the relay can be reached.'
              : 'You are signed in, but no rule of the relay gives you access. Ask whoever runs the relay, then refresh.'}
          </Text>
        </Empty>
      ) : (
        <SimpleGrid cols={{ base: 1, sm: snapshot.apis.length > 1 ? 2 : 1 }} spacing="md">
          {snapshot.apis.map((api) => (
            <ApiCard key={api.name} api={api} {...part} />
          ))}
        </SimpleGrid>
      )}
    </section>
  );
}
