import { Alert, Anchor, Text } from '@mantine/core';
import { IconBuilding, IconExternalLink } from '@tabler/icons-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { outsideText } from '../../ui/outside-text.ts';
import type { SettingsView } from '../main/ipc/setting-views.ts';
import { problemOf, valueOf } from './bridge.ts';
import type { PartProps } from './part-props.ts';

/** Who manages this computer and where to ask, where IT's policy says so. */
export function Manager({
  view: { managedBy },
  bridge,
}: Pick<PartProps, 'bridge'> & { readonly view: SettingsView }): ReactNode {
  const [problem, setProblem] = useState<string>();
  if (managedBy === undefined) return null;
  const { name, help, opens } = managedBy;
  const open = async (): Promise<void> => {
    setProblem(undefined);
    try {
      await valueOf(bridge.openHelp());
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Alert
      role="note"
      color="gray"
      icon={<IconBuilding aria-hidden />}
      title={`Managed by ${name === undefined ? 'your IT department' : outsideText(name)}`}
      className="wraps"
    >
      {help !== undefined &&
        (opens === true ? (
          <Anchor
            component="button"
            type="button"
            size="sm"
            className="wraps"
            aria-label={`Help: ${outsideText(help)}, opens in another program`}
            onClick={() => void open()}
          >
            {outsideText(help)} <IconExternalLink size={13} aria-hidden />
          </Anchor>
        ) : (
          <Text size="sm">{outsideText(help)}</Text>
        ))}
      {problem !== undefined && (
        <Text size="sm" c="var(--warning)" role="alert">
          {problem}
        </Text>
      )}
    </Alert>
  );
}
