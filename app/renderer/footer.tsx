import { Group, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';

const memoryReason =
  'This system offers no keychain that seals secrets, so your session is kept in memory only. It is never written to disk; after a restart you sign in again.';

/** Where things are, for those who look. */
export function Footer({ snapshot }: PartProps): ReactNode {
  return (
    <Group component="footer" className="footer" justify="space-between" wrap="nowrap" gap="md">
      <Text size="xs" className="truncate">
        {snapshot.localUrl === undefined
          ? 'Local port closed'
          : `Listening on ${snapshot.localUrl}`}
        {snapshot.relay === undefined ? '' : ` · relay ${snapshot.relay}`}
      </Text>
      <Group className="fixed" gap="md" wrap="nowrap">
        {snapshot.store === 'memory' ? (
          <Tooltip label={memoryReason} multiline w={300} events={tooltipEvents}>
            <Text size="xs" className="explained" tabIndex={0} aria-label={memoryReason}>
              Session kept in memory only
            </Text>
          </Tooltip>
        ) : (
          <Text size="xs">Session sealed by the system</Text>
        )}
        <Text size="xs">Version {snapshot.version}</Text>
      </Group>
    </Group>
  );
}

const tooltipEvents = { hover: true, focus: true, touch: true };
