import {
  IconActivity,
  IconApi,
  IconBan,
  IconHeartbeat,
  IconSearch,
  IconUsers,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { follow } from './link.tsx';
import { hrefOf } from './router.ts';

const screens = [
  { screen: 'live', title: 'Live', Icon: IconActivity },
  { screen: 'search', title: 'Search', Icon: IconSearch },
  { screen: 'people', title: 'People', Icon: IconUsers },
  { screen: 'apis', title: 'APIs', Icon: IconApi },
  { screen: 'denials', title: 'Refusals', Icon: IconBan },
  { screen: 'health', title: 'Health', Icon: IconHeartbeat },
] as const;

/**
 * What a screen is called.
 *
 * @param name of the screen
 * @returns its title
 */
export function titleOf(name: string): string {
  return screens.find(({ screen }) => screen === name)?.title ?? 'Request';
}

/** The way from one screen to another. */
export function Nav({ screen: current }: { readonly screen: string }): ReactNode {
  return (
    <nav aria-label="Console">
      {screens.map(({ screen, title, Icon }) => (
        <a
          key={screen}
          href={hrefOf(screen)}
          aria-current={screen === current ? 'page' : undefined}
          onClick={(event) => follow(event, hrefOf(screen))}
        >
          <Icon size={18} aria-hidden />
          <span>{title}</span>
        </a>
      ))}
    </nav>
  );
}
