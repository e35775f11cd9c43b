import { Box, Center, Loader, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { LatchkeyBridge } from '../main/ipc/contract.ts';
import { Activity } from './activity.tsx';
import { Apis } from './apis.tsx';
import { FirstRun } from './first-run.tsx';
import { Footer } from './footer.tsx';
import { Header } from './header.tsx';
import { Notices } from './notices.tsx';
import type { PartProps } from './part-props.ts';
import { SignIn } from './sign-in.tsx';
import { useAgent } from './use-agent.ts';

/** The whole page. */
export function App({ bridge }: { readonly bridge: LatchkeyBridge }): ReactNode {
  const agent = useAgent(bridge);
  if (agent.snapshot === undefined) {
    return (
      <Center h="100vh" role="status" aria-label="Loading">
        {agent.problem ?? <Loader />}
      </Center>
    );
  }
  const part: PartProps = { bridge, agent, snapshot: agent.snapshot };
  return (
    <Box className="page">
      <Header {...part} />
      <Box component="main" className="content">
        <Stack gap="lg">
          <Notices {...part} />
          <Body {...part} />
        </Stack>
      </Box>
      <Footer {...part} />
    </Box>
  );
}

function Body(part: PartProps): ReactNode {
  if (part.snapshot.relay === undefined) return <FirstRun {...part} />;
  const signedIn = part.snapshot.status === 'ready' || part.snapshot.status === 'offline';
  return (
    <>
      {signedIn ? <Apis {...part} /> : <SignIn {...part} />}
      <Activity {...part} />
    </>
  );
}
