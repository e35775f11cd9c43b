import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';

const shownMs = 1600;

/** A button that copies something and says so; without a visible label it is an icon. */
export function CopyButton({
  label,
  text,
  onCopy,
}: {
  /** For screen readers and the tooltip: what is copied. */
  readonly label: string;
  /** The visible label. */
  readonly text?: string;
  readonly onCopy: () => Promise<boolean>;
}): ReactNode {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void => void onCopy().then(setCopied);
  const Icon = copied ? IconCheck : IconCopy;
  const icon = <Icon size={15} aria-hidden />;
  if (text !== undefined) {
    return (
      <Button
        variant="light"
        size="compact-sm"
        aria-label={label}
        leftSection={icon}
        onClick={copy}
      >
        {copied ? 'Copied' : text}
      </Button>
    );
  }
  return (
    <Tooltip label={copied ? 'Copied' : label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={copy}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
