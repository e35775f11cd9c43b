import type { OutgoingHttpHeaders } from 'node:http';
import { createHash } from 'node:crypto';

/** What the browser tab tells at the end of an attempt. */
export type Outcome =
  { readonly kind: 'signed-in' } | { readonly kind: 'failed'; readonly message: string };

/** A page and the headers that keep it harmless. */
export interface ResultPage {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:18vh auto;padding:0 1.5em;' +
  'color:#1a1b1e;background:#fff}h1{font-size:1.4em}' +
  '@media(prefers-color-scheme:dark){body{color:#e9ecef;background:#1a1b1e}}';
const styleHash = createHash('sha256').update(style).digest('base64');

/**
 * Renders the page that ends a sign-in attempt in the browser; it holds no secret and runs no script.
 *
 * @param outcome how the attempt ended
 * @returns status 200 or 400, headers, HTML
 */
export function resultPage(outcome: Outcome): ResultPage {
  return outcome.kind === 'signed-in'
    ? page(200, 'You are signed in', 'You can close this tab and go back to your work.')
    : page(400, 'The sign-in did not work', `${outcome.message} You can close this tab.`);
}

/**
 * Renders the page for a request that is not the answer of the running attempt.
 *
 * @param status 404 for a stranger's, 405 for a wrong method, 409 for a repeated callback
 * @returns status, headers, HTML
 */
export function strayPage(status: 404 | 405 | 409): ResultPage {
  if (status === 409) {
    return page(409, 'Already used', 'This sign-in has had its answer. You can close this tab.');
  }
  const text = 'Nothing is expected at this address. To sign in, start again from Latchkey.';
  const made = page(status, 'Nothing here', text);
  return status === 405 ? { ...made, headers: { ...made.headers, Allow: 'GET' } } : made;
}

function page(status: number, title: string, text: string): ResultPage {
  const body =
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey: ${escape(title)}</title>` +
    `<style>${style}</style><h1>${escape(title)}</h1><p>${escape(text)}</p></html>\n`;
  return {
    status,
    body,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      Connection: 'close',
    },
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
