import { Checkbox, Group, Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ActivityFilter } from './activity-rows.ts';

/** Narrows a list of requests to a text, an API, what was refused. */
export function ActivityFilters({
  label,
  finds,
  width,
  filter,
  apis,
  onChange,
}: {
  /** What is narrowed: `the activity`. */
  readonly label: string;
  /** What a text is looked for in: `path, code, request id`. */
  readonly finds: string;
  /** Of the text, in px; `undefined` lets it grow to 320. */
  readonly width?: number;
  readonly filter: ActivityFilter;
  readonly apis: readonly string[];
  readonly onChange: (filter: ActivityFilter) => void;
}): ReactNode {
  return (
    <Group gap="sm" role="search" aria-label={`Filter ${label}`}>
      <TextInput
        size="xs"
        {...(width === undefined
          ? { className: 'grow', miw: 220, maw: { base: '100%', xs: 320 } }
          : { w: width })}
        aria-label={`Find in ${label}`}
        placeholder={`Find ${finds}`}
        leftSection={<IconSearch size={14} aria-hidden />}
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
      />
      <Select
        size="xs"
        w={140}
        aria-label="API"
        placeholder="All APIs"
        clearable
        clearButtonProps={{ 'aria-label': 'All APIs' }}
        data={apis}
        value={filter.api === '' ? null : filter.api}
        onChange={(api) => onChange({ ...filter, api: api ?? '' })}
      />
      <Checkbox
        size="xs"
        label="Refused only"
        checked={filter.deniedOnly}
        onChange={(event) => onChange({ ...filter, deniedOnly: event.currentTarget.checked })}
      />
    </Group>
  );
}
