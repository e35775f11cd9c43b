import { Button, Select, TextInput } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { FormEvent, ReactNode } from 'react';

const NARROW = '(max-width: 760px)';

/** What may narrow the search, by the names that `GET /audit` has for it. */
export const filterNames = [
  'user',
  'api',
  'decision',
  'reason',
  'kind',
  'requestId',
  'since',
  'until',
] as const;

/** Texts as they stand in the address; absent ones narrow nothing. */
export type SearchFilter = Readonly<Partial<Record<(typeof filterNames)[number], string>>>;

const kinds = [
  { value: 'request', label: 'Requests' },
  { value: 'outcome,interrupted', label: 'Their ends' },
  { value: 'sign-in,sign-out,refresh,step-up', label: 'Sign-ins' },
  { value: 'admin-read,export,erase,hold', label: 'Use of the audit' },
  { value: 'config,start,stop,gap,expire', label: 'The relay itself' },
  { value: 'anomaly', label: 'Anomalies' },
];
const decisions = [
  { value: 'allow', label: 'Allowed' },
  { value: 'deny', label: 'Refused' },
];

/** A local time as the field has it, and as the relay wants it. */
function fieldTime(at: string | undefined): string {
  const date = new Date(at ?? '');
  if (Number.isNaN(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

const instant = (field: string): string | undefined =>
  field === '' ? undefined : new Date(field).toISOString();

/** The search's form: choices take effect at once, texts with Enter. */
export function SearchFilters({
  filter,
  apis,
  onChange,
}: {
  readonly filter: SearchFilter;
  readonly apis: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (filter: SearchFilter) => void;
}): ReactNode {
  const [draft, setDraft] = useState<SearchFilter>(filter);
  const chosen = (change: SearchFilter): void => {
    setDraft({ ...draft, ...change });
    onChange({ ...draft, ...change });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onChange(draft);
  };
  const text = (name: 'user' | 'reason' | 'requestId', label: string): ReactNode => (
    <TextInput
      size="xs"
      label={label}
      value={draft[name] ?? ''}
      onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value.trim() })}
    />
  );
  const time = (name: 'since' | 'until', label: string): ReactNode => (
    <TextInput
      size="xs"
      type="datetime-local"
      label={label}
      value={fieldTime(draft[name])}
      onChange={(event) => chosen({ [name]: instant(event.currentTarget.value) ?? '' })}
    />
  );
  const choice = (
    name: 'api' | 'decision' | 'kind',
    label: string,
    data: readonly { readonly value: string; readonly label: string }[],
  ): ReactNode => (
    <Select
      size="xs"
      label={label}
      placeholder="All"
      clearable
      clearButtonProps={{ 'aria-label': `All: ${label}` }}
      data={data}
      value={draft[name] === undefined || draft[name] === '' ? null : draft[name]}
      onChange={(value) => chosen({ [name]: value ?? '' })}
    />
  );
  const isNarrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  const given = filterNames.filter((name) => filter[name] !== undefined).length;
  const fields = (
    <div className="filters">
      {text('user', 'Person')}
      {choice('api', 'API', apis)}
      {choice('decision', 'Decision', decisions)}
      {text('reason', 'Reason')}
      {choice('kind', 'Kind', kinds)}
      {time('since', 'From')}
      {time('until', 'Until')}
      {text('requestId', 'Request id')}
      <Button type="submit" size="xs" leftSection={<IconSearch size={14} aria-hidden />}>
        Search
      </Button>
    </div>
  );
  return (
    <form role="search" aria-label="Search the audit" onSubmit={submit}>
      {isNarrow ? (
        <details className="raw">
          <summary>{given === 0 ? 'Filter' : `Filter (${given} set)`}</summary>
          {fields}
        </details>
      ) : (
        fields
      )}
    </form>
  );
}
