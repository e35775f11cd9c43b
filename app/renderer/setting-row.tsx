import { Badge, Button, Group, Text } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { outsideText } from '../../ui/outside-text.ts';
import type { ManagedByView, SettingView } from '../main/ipc/setting-views.ts';
import { settingWords, sourceWords } from './setting-words.ts';

/** One setting: what it is, what holds and why; the editor stands below it while it is changed. */
export function SettingRow({
  setting,
  manager,
  editor,
  onEdit,
}: {
  readonly setting: SettingView;
  readonly manager: ManagedByView | undefined;
  readonly editor: ReactNode;
  readonly onEdit: () => void;
}): ReactNode {
  const words = settingWords[setting.key];
  const title = words?.title ?? setting.key;
  return (
    <li data-setting={setting.key}>
      <div className="setting">
        <div className="what">
          <Group gap={8}>
            <Text size="sm" fw={600}>
              {title}
            </Text>
            {!setting.hasEffect && (
              <Badge variant="outline" color="gray" size="sm" tt="none" fw={500}>
                no effect in this version
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {words?.about}
          </Text>
          {setting.note !== undefined && (
            <Text size="sm" c="var(--warning)" className="wraps">
              {setting.note}
            </Text>
          )}
          <code className="key">{setting.key}</code>
        </div>
        <div className="held">
          <Value lines={setting.lines} />
          <Source setting={setting} manager={manager} />
        </div>
        <div className="change">
          {setting.edit !== undefined && editor === null && (
            <Button
              variant="default"
              size="compact-sm"
              aria-label={`Change ${title}`}
              onClick={onEdit}
            >
              Change
            </Button>
          )}
        </div>
      </div>
      {editor}
    </li>
  );
}

function Value({ lines }: Pick<SettingView, 'lines'>): ReactNode {
  if (lines.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        not set
      </Text>
    );
  }
  return lines.map((line) => (
    <Text key={line} size="sm" fw={500} className="wraps">
      {outsideText(line)}
    </Text>
  ));
}

function Source({
  setting,
  manager,
}: {
  readonly setting: SettingView;
  readonly manager: ManagedByView | undefined;
}): ReactNode {
  const { source, locked, file } = setting;
  return (
    <Text
      size="xs"
      component="div"
      className="wraps"
      c={source === 'fallback' ? 'var(--warning)' : 'dimmed'}
    >
      {locked && <IconLock size={13} className="lock" aria-label="Locked" />}
      {sourceWords(setting, manager)}
      {/* The person's own file is named once, at the top. */}
      {locked && file !== undefined && <code className="file">{file}</code>}
    </Text>
  );
}
