import { Alert, Loader, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { outsideText } from '../../ui/outside-text.ts';
import type { SettingView, SettingsView } from '../main/ipc/setting-views.ts';
import { Manager } from './manager.tsx';
import type { PartProps } from './part-props.ts';
import { Problem } from './problem.tsx';
import { SettingEditor } from './setting-editor.tsx';
import { SettingRow } from './setting-row.tsx';
import { grouped, savingWords } from './setting-words.ts';
import { useReply } from './use-reply.ts';

/** Every setting: what holds, who decided it, and a way to change what can be changed here. */
export function Settings(part: PartProps): ReactNode {
  const { value, problem, put } = useReply(part.bridge.settings);
  const [editing, setEditing] = useState<string>();
  const editor = (setting: SettingView): ReactNode =>
    setting.edit === undefined || setting.key !== editing ? null : (
      <SettingEditor
        {...part}
        setting={setting}
        edit={setting.edit}
        onSaved={(view) => {
          put(view);
          setEditing(undefined);
        }}
        onCancel={() => setEditing(undefined)}
      />
    );
  return (
    <section aria-labelledby="settings">
      <Stack gap="md">
        <div>
          <Title order={2} size="h4" id="settings">
            Settings
          </Title>
          {value !== undefined && (
            <Text size="sm" c="dimmed" mt={4} className="wraps">
              Yours are in <code>{value.file}</code>. {savingWords(value.settings)}
            </Text>
          )}
        </div>
        {problem !== undefined && <Problem title="The settings cannot be shown">{problem}</Problem>}
        {value === undefined
          ? problem === undefined && (
              <Loader size="sm" mx="auto" aria-label="Loading the settings" />
            )
          : [
              <Manager key="manager" view={value} {...part} />,
              <Faults key="faults" view={value} />,
              ...grouped(value.settings).map(({ title, settings }) => (
                <div key={title}>
                  <Title order={3} size="h6" mb={8}>
                    {title}
                  </Title>
                  <ul className="settings" aria-label={title}>
                    {settings.map((setting) => (
                      <SettingRow
                        key={setting.key}
                        setting={setting}
                        manager={value.managedBy}
                        editor={editor(setting)}
                        onEdit={() => setEditing(setting.key)}
                      />
                    ))}
                  </ul>
                </div>
              )),
            ]}
      </Stack>
    </section>
  );
}

function Faults({ view: { faults } }: { readonly view: SettingsView }): ReactNode {
  if (faults.length === 0) return null;
  return (
    <Alert
      role="alert"
      color="orange"
      icon={<IconAlertTriangle aria-hidden />}
      title={faults.length === 1 ? 'One thing is wrong' : `${faults.length} things are wrong`}
    >
      <ul className="faults">
        {faults.map((fault) => (
          <li key={fault}>{outsideText(fault)}</li>
        ))}
      </ul>
    </Alert>
  );
}
