import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { protocol } from 'electron';
import type { Session } from 'electron';

const scheme = 'latchkey-ui';

/** Where the window's page lives; nothing else may be loaded. */
export const pageOrigin = `${scheme}://app`;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Must run before Electron is ready: a standard, secure scheme gives the page an origin of its own. */
export function registerPageScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true } }]);
}

/**
 * Serves the page's files to one session, and nothing else to it: every other request is refused.
 *
 * @param session the window's session
 * @param pageDir folder of the built page
 */
export function servePage(session: Session, pageDir: string): void {
  session.protocol.handle(scheme, async (request) => answer(new URL(request.url), pageDir));
  session.webRequest.onBeforeRequest((details, respond) => {
    respond({ cancel: !details.url.startsWith(`${pageOrigin}/`) });
  });
}

async function answer(url: URL, pageDir: string): Promise<Response> {
  const file = join(pageDir, url.pathname === '/' ? 'index.html' : decodeURI(url.pathname));
  const type = types[extname(file)];
  if (url.host !== 'app' || type === undefined || !file.startsWith(pageDir + sep)) {
    return new Response('Not found', { status: 404 });
  }
  const content = await readFile(file).catch(() => undefined);
  if (content === undefined) return new Response('Not found', { status: 404 });
  const nonce = randomBytes(18).toString('base64');
  // The nonce goes into the page, which hands it to the style sheets that Mantine makes.
  const body =
    extname(file) === '.html' ? content.toString('utf8').replaceAll('{nonce}', nonce) : content;
  return new Response(typeof body === 'string' ? body : new Uint8Array(body), {
    headers: {
      'Content-Type': type,
      'Content-Security-Policy': contentSecurityPolicy(nonce),
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    },
  });
}

function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
