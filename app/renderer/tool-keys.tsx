import { Alert, Button, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { ToolKeysView, ToolKeyView } from '../main/ipc/tool-key-views.ts';
import { Empty } from '../../ui/empty.tsx';
import { NewToolKey } from './new-tool-key.tsx';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';
import { RevokeToolKey } from './revoke-tool-key.tsx';
import { ToolKeyTable } from './tool-key-table.tsx';
import { useReply } from './use-reply.ts';

/** Uses and runs of `latchkey run` come and go while the list is looked at. */
const againMs = 5000;

/** The named keys of tools: a list, a way to make one, a way to end one. */
export function ToolKeys(part: PartProps): ReactNode {
  const { bridge } = part;
  const { value, problem, put, reload } = useReply(bridge.toolKeys);
  const [isAdding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<ToolKeyView>();
  useEffect(() => {
    const timer = setInterval(() => void reload(), againMs);
    return () => clearInterval(timer);
  }, [reload]);
  return (
    <section aria-labelledby="keys">
      <Stack gap="md">
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="lg">
          <div>
            <Title order={2} size="h4" id="keys">
              Tool keys
            </Title>
            <Text size="sm" c="dimmed" mt={4}>
              A key names a tool in the activity and limits what it may do with your access.
            </Text>
          </div>
          <Button
            className="fixed"
            leftSection={<IconPlus size={16} aria-hidden />}
            disabled={value === undefined}
            onClick={() => setAdding(true)}
          >
            Add a key
          </Button>
        </Group>
        {problem !== undefined && <Problem title="The keys cannot be shown">{problem}</Problem>}
        {value?.required === true && <Required view={value} />}
        {value === undefined ? (
          problem === undefined && <Loader size="sm" mx="auto" aria-label="Loading the keys" />
        ) : value.keys.length === 0 ? (
          <Empty title="No keys yet">
            <Text size="sm" c="dimmed">
              {value.required
                ? 'Tools are refused until they show a key. Add one for each tool.'
                : 'Your tools work without a key. Add one to limit a tool, or to see what it does.'}
            </Text>
          </Empty>
        ) : (
          <ToolKeyTable view={value} onRevoke={setRevoking} />
        )}
      </Stack>
      {isAdding && value !== undefined && (
        <NewToolKey
          {...part}
          apis={value.apis}
          onMade={() => void reload()}
          onClose={() => setAdding(false)}
        />
      )}
      {revoking !== undefined && (
        <RevokeToolKey
          {...part}
          revoked={revoking}
          onRevoked={put}
          onClose={() => setRevoking(undefined)}
        />
      )}
    </section>
  );
}

function Required({ view }: { readonly view: ToolKeysView }): ReactNode {
  return (
    <Alert color="latch" icon={<IconKey aria-hidden />} title="Every tool must show a key">
      {view.requiredByPolicy
        ? 'Your IT department wants it so: a request without a key is refused.'
        : 'Your settings say so: a request without a key is refused.'}
    </Alert>
  );
}
