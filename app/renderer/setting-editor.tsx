import { Button, Group, Stack } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { SettingInput, SettingsView, SettingView } from '../main/ipc/setting-views.ts';
import { problemOf, valueOf } from './bridge.ts';
import type { PartProps } from './part-props.ts';
import { SettingField } from './setting-field.tsx';
import { settingWords } from './setting-words.ts';

/** Changes one setting. */
export function SettingEditor({
  bridge,
  setting: { key, source },
  edit,
  onSaved,
  onCancel,
}: PartProps & {
  readonly setting: SettingView;
  readonly edit: NonNullable<SettingView['edit']>;
  readonly onSaved: (view: SettingsView) => void;
  readonly onCancel: () => void;
}): ReactNode {
  const [value, setValue] = useState<SettingInput>(edit.form.value);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // In a small window its buttons, and what is wrong, would be below the edge.
  useEffect(() => {
    // Its promise, which newer browsers give, is not for React.
    form.current?.scrollIntoView({ block: 'nearest' });
  });
  const save = async (next: SettingInput): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      onSaved(await valueOf(bridge.saveSetting(edit.key, next)));
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };
  return (
    <form
      ref={form}
      noValidate
      className="editor"
      aria-label={`Change ${settingWords[key]?.title ?? key}`}
      onSubmit={(event) => {
        event.preventDefault();
        void save(value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) onCancel();
      }}
    >
      <Stack gap="sm">
        <SettingField
          form={edit.form}
          label={settingWords[key]?.title ?? key}
          description={`Allowed: ${edit.allowed}.`}
          value={value}
          problem={problem}
          onChange={setValue}
        />
        <Group gap="sm">
          <Button type="submit" size="xs" loading={isBusy}>
            Save
          </Button>
          <Button variant="default" size="xs" disabled={isBusy} onClick={onCancel}>
            Cancel
          </Button>
          {source !== 'default' && (
            <Button
              variant="subtle"
              color="gray"
              size="xs"
              disabled={isBusy}
              onClick={() => void save(null)}
            >
              Back to the default
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
