import { useSyncExternalStore } from 'react';

/** Where the page is: which screen, of what, narrowed how. */
export interface Place {
  readonly screen: string;
  /** The request id of a story. */
  readonly id?: string;
  readonly query: URLSearchParams;
}

const moved = 'latchkey:moved';

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  window.addEventListener(moved, listener);
  return () => {
    window.removeEventListener('popstate', listener);
    window.removeEventListener(moved, listener);
  };
}

const address = (): string => `${location.pathname}${location.search}`;

/**
 * Goes to another screen without loading the page anew.
 *
 * @param href an address of the console
 * @param how `replace` leaves no trace of the one before
 */
export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'replace') history.replaceState(null, '', href);
  else if (href !== address()) history.pushState(null, '', href);
  window.dispatchEvent(new Event(moved));
}

/**
 * Reads an address.
 *
 * @param href path and query
 * @returns the place
 */
function placeOf(href: string): Place {
  const url = new URL(href, 'http://console');
  const [, , screen = '', id] = url.pathname.split('/');
  const place = { screen: screen === '' ? 'live' : screen, query: url.searchParams };
  return id === undefined ? place : { ...place, id: decodeURIComponent(id) };
}

/**
 * The place where the page is now.
 *
 * @returns the place; changes draw the component anew
 */
export function usePlace(): Place {
  return placeOf(useSyncExternalStore(subscribe, address));
}

/**
 * The address of a screen.
 *
 * @param screen its name
 * @param filter what narrows it; empty values are left out
 * @returns path and query
 */
export function hrefOf(
  screen: string,
  filter: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter))
    if (value !== undefined && value !== '') query.set(name, value);
  const path = screen === 'live' ? '/' : `/console/${screen}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/**
 * The address of a request's story.
 *
 * @param requestId any text
 * @returns the path
 */
export const storyHref = (requestId: string): string =>
  `/console/request/${encodeURIComponent(requestId)}`;
