import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { ToolKeysView, ToolKeyView } from '../main/ipc/tool-key-views.ts';
import { problemOf, valueOf } from './bridge.ts';
import { Dialog } from './dialog.tsx';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';

/** Asks once more before a key ends for good. */
export function RevokeToolKey({
  bridge,
  revoked,
  onRevoked,
  onClose,
}: PartProps & {
  readonly revoked: ToolKeyView;
  readonly onRevoked: (view: ToolKeysView) => void;
  readonly onClose: () => void;
}): ReactNode {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const revoke = async (): Promise<void> => {
    setBusy(true);
    try {
      onRevoked(await valueOf(bridge.revokeToolKey(revoked.id)));
      onClose();
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Revoke this key?" onClose={onClose}>
      <Stack gap="md">
        <Text size="sm" className="wraps">
          Whatever sends <strong>{revoked.name}</strong> is refused from now on. This cannot be
          undone; a tool that needs access again gets another key.
        </Text>
        {problem !== undefined && <Problem title="That did not work">{problem}</Problem>}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} data-autofocus>
            Keep it
          </Button>
          <Button color="red.9" loading={isBusy} onClick={() => void revoke()}>
            Revoke
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
