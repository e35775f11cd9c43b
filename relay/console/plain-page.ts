import { randomBytes } from 'node:crypto';
import type { Response } from 'express';

/** A page without scripts: what is said before somebody is let in. */
export interface PlainPage {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly link?: { readonly href: string; readonly text: string };
  /** Where the browser goes by itself, at once. */
  readonly goTo?: string;
}

const STYLE =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;min-height:90vh;' +
  'place-content:center;margin:0;padding:24px;background:light-dark(#f6f7f8,#141619);color:light-dark(#1b1e23,#e6e8eb)}' +
  'main{max-width:34rem}h1{font-size:1.3rem}a{color:light-dark(#07635f,#35b5aa)}';

/**
 * Makes a text harmless within HTML.
 *
 * @param text any
 * @returns the text, escaped for elements and attributes
 */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * What every page of the console says of itself: nothing foreign, no frame, no trace.
 *
 * @param nonce of its styles
 * @param scripts whether it has scripts and asks for data
 * @returns header fields
 */
export function pageHeaders(nonce: string, scripts: boolean): Readonly<Record<string, string>> {
  const own = scripts ? "script-src 'self'; connect-src 'self'; img-src 'self' data:; " : '';
  const styles = scripts ? `style-src 'self' 'nonce-${nonce}'` : `style-src 'nonce-${nonce}'`;
  return {
    'Content-Security-Policy': `default-src 'none'; ${own}${styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  };
}

/**
 * Makes a nonce for a page's styles.
 *
 * @returns 128 random bits, base64url
 */
export function createNonce(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Answers with a page without scripts.
 *
 * @param response the answer
 * @param page what it says
 */
export function sendPlainPage(response: Response, page: PlainPage): void {
  const { status, title, text, link, goTo } = page;
  const nonce = createNonce();
  const refresh =
    goTo === undefined ? '' : `<meta http-equiv="refresh" content="0;url=${escapeHtml(goTo)}">`;
  const anchor = link && `<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p>`;
  response
    .status(status)
    .set({ ...pageHeaders(nonce, false), 'Cache-Control': 'no-store' })
    .type('html').send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${escapeHtml(title)} · Latchkey</title><style nonce="${nonce}">${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${anchor ?? ''}</main></body></html>
`);
}
