import { Alert } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** What went wrong, if anything did. */
export function Problem({ text }: { readonly text?: string | undefined }): ReactNode {
  if (text === undefined) return null;
  return (
    <Alert
      role="alert"
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      title="That did not work"
    >
      {text}
    </Alert>
  );
}
