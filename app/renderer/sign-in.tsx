import { Anchor, Button, Card, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconBrowser, IconCopy, IconLogin2 } from '@tabler/icons-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { PartProps } from './part-props.ts';
import { RelayForm } from './relay-form.tsx';

/** The way in, or the way on while the browser has the word. */
export function SignIn(part: PartProps): ReactNode {
  return (
    <Card className="hero" withBorder padding="xl">
      {part.snapshot.status === 'signing-in' ? <Waiting {...part} /> : <Start {...part} />}
    </Card>
  );
}

function Start(part: PartProps): ReactNode {
  const { bridge, agent, snapshot, profile } = part;
  const [changing, setChanging] = useState(false);
  const expired = snapshot.status === 'expired';
  return (
    <Stack gap="lg">
      <div>
        <Title order={2} size="h3">
          {expired ? 'Sign in again' : 'Sign in to use your APIs'}
        </Title>
        <Text c="dimmed" mt={6}>
          {expired
            ? 'Your company ended the session. Nothing is lost: requests work again once you have signed in.'
            : 'Your browser opens your company’s own sign-in page. Latchkey never sees your password.'}
        </Text>
      </div>
      {changing ? (
        <RelayForm {...part} onSaved={() => setChanging(false)} />
      ) : (
        <Group gap="lg">
          <Button
            size="md"
            leftSection={<IconLogin2 size={18} aria-hidden />}
            disabled={agent.busy || snapshot.localUrl === undefined}
            onClick={() => void agent.run(() => bridge.signIn(...profile))}
          >
            Sign in
          </Button>
          <Text size="sm" c="dimmed">
            via {snapshot.relay}
            {/* Of several relays, each stands in the settings. */}
            {snapshot.profiles === undefined && (
              <>
                {' · '}
                <Anchor
                  component="button"
                  type="button"
                  size="sm"
                  onClick={() => setChanging(true)}
                >
                  Change
                </Anchor>
              </>
            )}
          </Text>
        </Group>
      )}
    </Stack>
  );
}

function Waiting({ bridge, agent, snapshot, profile }: PartProps): ReactNode {
  const once = (call: () => ReturnType<typeof bridge.openSignInPage>) => () => void agent.run(call);
  return (
    <Stack gap="lg">
      <Group gap="md" wrap="nowrap" align="flex-start">
        <Loader size="sm" mt={6} aria-hidden />
        <div>
          <Title order={2} size="h3">
            Finish in your browser
          </Title>
          <Text c="dimmed" mt={6}>
            Sign in on the page that opened. This window goes on by itself. No page to be seen? Open
            it again, or copy its address into another browser.
          </Text>
        </div>
      </Group>
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={<IconBrowser size={16} aria-hidden />}
          disabled={!snapshot.signInPage}
          onClick={once(() => bridge.openSignInPage(...profile))}
        >
          Open the page again
        </Button>
        <Button
          variant="default"
          leftSection={<IconCopy size={16} aria-hidden />}
          disabled={!snapshot.signInPage}
          onClick={once(() => bridge.copySignInPage(...profile))}
        >
          Copy its address
        </Button>
        <Button variant="subtle" color="gray" onClick={once(() => bridge.cancelSignIn(...profile))}>
          Cancel
        </Button>
      </Group>
    </Stack>
  );
}
