import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { KeyCopyKind, MadeToolKeyView } from '../main/ipc/tool-key-views.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import type { PartProps } from './part-props.ts';

/** The one time that the secret is seen. */
export function MadeToolKey({
  bridge,
  agent,
  made: { key, secret, curl },
  onClose,
}: PartProps & { readonly made: MadeToolKeyView; readonly onClose: () => void }): ReactNode {
  const copy = (what: KeyCopyKind) => (): Promise<boolean> =>
    agent.run(() => bridge.copyToolKey(key.id, secret, what));
  return (
    <Stack gap="md">
      <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Shown only now">
        Keep it where the tool keeps its secrets. Latchkey stores no more than a fingerprint of it.
      </Alert>
      <Secret label="Key" text={secret} copyLabel="Copy the key" onCopy={copy('secret')} />
      <Secret label="Try it" text={curl} copyLabel="Copy the curl command" onCopy={copy('curl')} />
      <Text size="sm" c="dimmed">
        Send it in the header <code>X-Latchkey-Key</code>, or as the user of the proxy’s address.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          Done
        </Button>
      </Group>
    </Stack>
  );
}

function Secret({
  label,
  text,
  copyLabel,
  onCopy,
}: {
  readonly label: string;
  readonly text: string;
  readonly copyLabel: string;
  readonly onCopy: () => Promise<boolean>;
}): ReactNode {
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {label}
      </Text>
      <Group className="address" justify="space-between" wrap="nowrap" gap="sm">
        <code className="whole">{text}</code>
        <span className="fixed">
          <CopyButton text="Copy" label={copyLabel} onCopy={onCopy} />
        </span>
      </Group>
    </div>
  );
}
