import { Anchor, Badge, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconCheck, IconExternalLink, IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ApiRuleView, ApiView } from '../main/ipc/contract.ts';
import type { PartProps } from './part-props.ts';
import { CopyButton } from '../../ui/copy-button.tsx';

/** One API: what it is, where it is, what is allowed. */
export function ApiCard({
  api,
  bridge,
  agent,
  profile,
}: PartProps & { readonly api: ApiView }): ReactNode {
  return (
    <Card component="article" withBorder padding="md" aria-label={api.title} className="api">
      <Stack gap="sm" h="100%">
        <div>
          <Group justify="space-between" wrap="nowrap" gap="xs">
            <Title order={3} size="h5" className="truncate">
              {api.title}
            </Title>
            {api.docs !== undefined && (
              <Anchor
                component="button"
                type="button"
                size="sm"
                className="docs"
                aria-label={`Docs of ${api.title}, opens in the browser`}
                onClick={() => void agent.run(() => bridge.openDocs(api.name, ...profile))}
              >
                Docs <IconExternalLink size={13} aria-hidden />
              </Anchor>
            )}
          </Group>
          {api.description !== undefined && (
            <Text size="sm" c="dimmed" lineClamp={2}>
              {api.description}
            </Text>
          )}
        </div>
        <Group className="address" justify="space-between" wrap="nowrap" gap="xs">
          <code className="truncate" title={api.localUrl}>
            {api.localUrl}
          </code>
          <Group gap={6} wrap="nowrap">
            <CopyButton
              text="URL"
              label={`Copy the URL of ${api.title}`}
              onCopy={() => agent.run(() => bridge.copyApi(api.name, 'url', ...profile))}
            />
            <CopyButton
              text="curl"
              label={`Copy a curl command for ${api.title}`}
              onCopy={() => agent.run(() => bridge.copyApi(api.name, 'curl', ...profile))}
            />
          </Group>
        </Group>
        {api.ownUrl !== undefined && (
          <Text size="sm" c="dimmed">
            On a port of its own, too: <code>{api.ownUrl}</code>
          </Text>
        )}
        <ul className="rules" aria-label={`What you may do with ${api.title}`}>
          {api.rules.map((rule) => (
            <Rule key={rule.name} rule={rule} />
          ))}
        </ul>
      </Stack>
    </Card>
  );
}

function Rule({ rule }: { readonly rule: ApiRuleView }): ReactNode {
  const methods = rule.methods.length === 0 ? 'any method' : rule.methods.join(', ');
  return (
    <li data-allowed={rule.allowed}>
      {rule.allowed ? (
        <IconCheck size={15} className="allowed" aria-label="Allowed" />
      ) : (
        <IconLock size={15} className="locked" aria-label="Not allowed" />
      )}
      <Text size="sm" component="span" className="rule-name">
        {rule.name}
      </Text>
      {rule.allowed ? (
        <Text
          size="xs"
          c="dimmed"
          component="span"
          className="truncate mono"
          title={`${methods} ${rule.paths.join(' ')}`}
        >
          {methods} {rule.paths.join(' ')}
        </Text>
      ) : (
        <Badge size="sm" variant="outline" color="gray" tt="none" fw={500}>
          needs {rule.missing ?? 'more rights'}
        </Badge>
      )}
    </li>
  );
}
