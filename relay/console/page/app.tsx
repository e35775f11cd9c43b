import { Alert, Center, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { Empty } from '../../../ui/empty.tsx';
import type { SessionView, StatusView } from '../data.ts';
import { Apis } from './apis.tsx';
import { Denials } from './denials.tsx';
import { Header } from './header.tsx';
import { Health } from './health.tsx';
import { Link } from './link.tsx';
import { Live } from './live.tsx';
import { Nav, titleOf } from './nav.tsx';
import { People } from './people.tsx';
import { Problem } from './problem.tsx';
import { hrefOf, type Place, usePlace } from './router.ts';
import { Search } from './search.tsx';
import { Story } from './story.tsx';
import { type Data, useData } from './use-data.ts';

const FRESH_MS = 10_000;
const CHECKING_MS = 1_500;

/** The whole console. */
export function App(): ReactNode {
  const place = usePlace();
  const session = useData<SessionView>('/console/api/session');
  const status = useStatus();
  useArrival(place);
  if (session.value === undefined)
    return (
      <Center h="100vh">
        <Text c="dimmed" role="status">
          {session.problem ?? 'Loading …'}
        </Text>
      </Center>
    );
  const insecure = status.value?.config.insecure ?? [];
  return (
    <div className="console">
      <Header session={session.value} status={status.value} />
      <Nav screen={place.screen} />
      <main id="main" tabIndex={0}>
        <Problem text={status.problem} />
        {insecure.length > 0 && (
          <Alert
            color="orange"
            icon={<IconAlertTriangle aria-hidden />}
            title="This relay runs with insecure options"
          >
            {insecure.join(', ')}. See <Link href={hrefOf('health')}>Health</Link>.
          </Alert>
        )}
        <Screen place={place} status={status} />
      </main>
    </div>
  );
}

/** Asked again soon while the chain is being checked. */
function useStatus(): Data<StatusView> {
  const data = useData<StatusView>('/console/api/status', FRESH_MS);
  const { value, reload } = data;
  const isChecking = value?.verification.kind === 'running';
  useEffect(() => {
    if (!isChecking) return undefined;
    const timer = setInterval(reload, CHECKING_MS);
    return () => clearInterval(timer);
  }, [isChecking, reload]);
  return data;
}

/** Tells the title, and takes the keyboard to what is new, as a page that is loaded would. */
function useArrival({ screen }: Place): void {
  const before = useRef(screen);
  useEffect(() => {
    document.title = `${titleOf(screen)} · Latchkey relay`;
    if (before.current !== screen) document.querySelector<HTMLElement>('#main')?.focus();
    before.current = screen;
  }, [screen]);
}

function Screen({
  place,
  status,
}: {
  readonly place: Place;
  readonly status: Data<StatusView>;
}): ReactNode {
  switch (place.screen) {
    case 'live':
      return <Live />;
    case 'search':
      return <Search />;
    case 'request':
      return <Story key={place.id} id={place.id ?? ''} />;
    case 'people':
      return <People />;
    case 'apis':
      return <Apis />;
    case 'denials':
      return <Denials />;
    case 'health':
      return <Health status={status} />;
    default:
      return (
        <section className="screen" aria-label="Not found">
          <Empty title="There is no such screen" />
        </section>
      );
  }
}
