import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ActivityRecord } from '../../ui/activity-record.ts';
import { Activity } from './activity.tsx';
import { Apis } from './apis.tsx';
import { FirstRun } from './first-run.tsx';
import type { PartProps } from './part-props.ts';
import { SignIn } from './sign-in.tsx';

/** The APIs, or the way to them, and what went through the port. */
export function Overview({
  records,
  ...part
}: PartProps & { readonly records: readonly ActivityRecord[] }): ReactNode {
  const { relay, status } = part.snapshot;
  if (relay === undefined) return <FirstRun {...part} />;
  const signedIn = status === 'ready' || status === 'offline';
  return (
    <Stack gap="lg">
      {signedIn ? <Apis {...part} /> : <SignIn {...part} />}
      {/* What was opened and filtered belongs to one profile. */}
      <Activity key={part.profile[0] ?? ''} {...part} records={records} />
    </Stack>
  );
}
