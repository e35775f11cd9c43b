import { Anchor } from '@mantine/core';
import type { MouseEvent, ReactNode } from 'react';
import { go } from './router.ts';

/**
 * Follows a link within the page, unless it is to open elsewhere.
 *
 * @param event of the click
 * @param href where to
 */
export function follow(event: MouseEvent, href: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0)
    return;
  event.preventDefault();
  go(href);
}

/** A link to another screen of the console. */
export function Link({
  href,
  children,
}: {
  readonly href: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Anchor href={href} inherit className="link" onClick={(event) => follow(event, href)}>
      {children}
    </Anchor>
  );
}
