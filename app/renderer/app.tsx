import { Box, Center, Loader, Stack, Tabs } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { LatchkeyBridge, SnapshotView } from '../main/ipc/contract.ts';
import { Footer } from './footer.tsx';
import { Header } from './header.tsx';
import { Health } from './health.tsx';
import { Notices } from './notices.tsx';
import { Overview } from './overview.tsx';
import type { PartProps } from './part-props.ts';
import { profileArgs, shownSide } from './profile.ts';
import { Settings } from './settings.tsx';
import { ToolKeys } from './tool-keys.tsx';
import { useActivity } from './use-activity.ts';
import { useAgent } from './use-agent.ts';
import { useDiagnosis } from './use-diagnosis.ts';

const screens = [
  ['overview', 'Overview'],
  ['keys', 'Tool keys'],
  ['settings', 'Settings'],
  ['health', 'Health'],
] as const;

/** The whole page. */
export function App({ bridge }: { readonly bridge: LatchkeyBridge }): ReactNode {
  const agent = useAgent(bridge);
  const [screen, setScreen] = useState<string>('overview');
  const [chosen, choose] = useState<string>();
  const profile = profileArgs(agent.snapshot, chosen);
  const isStarted = agent.snapshot?.localUrl !== undefined;
  const records = useActivity(bridge, profile, isStarted, agent.fail);
  const diagnosis = useDiagnosis(bridge, profile);
  if (agent.snapshot === undefined) return <Loading problem={agent.problem} />;
  const snapshot: SnapshotView = shownSide(agent.snapshot, profile);
  const part: PartProps = { bridge, agent, snapshot, profile };
  return (
    <Tabs
      className="page"
      value={screen}
      onChange={(next) => setScreen(next ?? 'overview')}
      keepMounted={false}
    >
      <Header {...part} onChoose={choose} />
      <nav className="screens" aria-label="Screens">
        <Tabs.List>
          {screens.map(([value, title]) => (
            <Tabs.Tab key={value} value={value}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </nav>
      <Box component="main" className="content">
        <Stack gap="lg">
          <Notices {...part} />
          <Tabs.Panel value="overview">
            <Overview {...part} records={records} />
          </Tabs.Panel>
          <Tabs.Panel value="keys">
            <ToolKeys {...part} />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <Settings {...part} />
          </Tabs.Panel>
          <Tabs.Panel value="health">
            <Health {...part} diagnosis={diagnosis} />
          </Tabs.Panel>
        </Stack>
      </Box>
      <Footer {...part} />
    </Tabs>
  );
}

function Loading({ problem }: { readonly problem: string | undefined }): ReactNode {
  return (
    <Center h="100vh" role="status" aria-label="Loading">
      {problem ?? <Loader />}
    </Center>
  );
}
