import type { HeaderList } from './headers.ts';

/**
 * Tells whether an answer is a stream of server-sent events, which may be silent as long as it likes.
 *
 * @param raw the answer's fields
 * @returns true for `text/event-stream`
 */
export function isEventStream(raw: HeaderList): boolean {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (name.length === 12 && name.toLowerCase() === 'content-type')
      return /^text\/event-stream\b/i.test(raw[at + 1] as string);
  }
  return false;
}
