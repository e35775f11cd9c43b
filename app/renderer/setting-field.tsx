import { NumberInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { SettingForm, SettingInput } from '../main/ipc/setting-views.ts';

/** The field that fits a setting's kind of value. */
export function SettingField({
  form,
  label,
  description,
  value,
  problem,
  onChange,
}: {
  readonly form: SettingForm;
  readonly label: string;
  readonly description: string;
  readonly value: SettingInput;
  readonly problem: string | undefined;
  readonly onChange: (value: SettingInput) => void;
}): ReactNode {
  const common = { label, description, error: problem, autoFocus: true } as const;
  switch (form.kind) {
    case 'switch':
      return (
        <Switch
          {...common}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...common}
          className="narrow"
          value={Number(value)}
          min={form.min}
          max={form.max}
          clampBehavior="none"
          allowDecimal={false}
          onChange={(next) => onChange(next)}
        />
      );
    case 'choice':
      return (
        <Select
          {...common}
          className="narrow"
          data={[...form.choices]}
          value={String(value)}
          allowDeselect={false}
          onChange={onChange}
        />
      );
    case 'text':
      return (
        <TextInput
          {...common}
          value={String(value)}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'list':
      return (
        <Textarea
          {...common}
          description={`${description} One on each line.`}
          value={Array.isArray(value) ? value.join('\n') : ''}
          autosize
          minRows={2}
          maxRows={8}
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value.split('\n'))}
        />
      );
    default:
      return form satisfies never;
  }
}
