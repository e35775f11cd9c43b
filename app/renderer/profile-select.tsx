import { Select } from '@mantine/core';
import type { ReactNode } from 'react';
import { lists } from './lists.ts';
import type { PartProps } from './part-props.ts';

/** Which relay the page is about; nothing to see while there is only one. */
export function ProfileSelect({
  snapshot: { profiles },
  profile: [shown],
  onChoose,
}: PartProps & { readonly onChoose: (name: string) => void }): ReactNode {
  if (profiles === undefined || shown === undefined) return null;
  return (
    <Select
      className="profile"
      size="xs"
      aria-label="Profile"
      data={profiles.map(({ name, title }) => ({ value: name, label: title }))}
      value={shown}
      allowDeselect={false}
      comboboxProps={{ ...lists, width: 260, position: 'bottom-start' }}
      onChange={(name) => name !== null && onChoose(name)}
    />
  );
}
