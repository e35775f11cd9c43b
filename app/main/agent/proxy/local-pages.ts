import type { ServerResponse } from 'node:http';
import type { AgentSnapshot, AgentStatus } from '../status.ts';

const WORDS: Readonly<Record<AgentStatus, string>> = {
  'signed-out': 'Signed out. Sign in from the Latchkey tray icon, or run: latchkey login',
  'signing-in': 'Signing in. Finish the sign-in in your browser.',
  ready: 'Ready.',
  offline: 'Offline: the relay cannot be reached now. Latchkey goes on trying.',
  expired: 'Your session has ended. Sign in again from the tray icon, or run: latchkey login',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * Answers `GET /.latchkey/status`: what tools may know; no secret.
 *
 * @param snapshot the agent's state
 * @returns the JSON body
 */
export function statusDocument(snapshot: AgentSnapshot): string {
  return JSON.stringify({
    status: snapshot.status,
    user: snapshot.user?.email ?? snapshot.user?.name ?? snapshot.user?.subject ?? null,
    relay: snapshot.relay ?? null,
    apis: snapshot.apis.map(({ name, title, localUrl }) => ({ name, title, url: localUrl })),
    version: snapshot.version,
  });
}

/**
 * Answers `GET /`: the same for people.
 *
 * @param snapshot the agent's state
 * @returns an HTML page without scripts
 */
export function statusPage(snapshot: AgentSnapshot): string {
  const who = snapshot.user?.name ?? snapshot.user?.email ?? snapshot.user?.subject;
  const rows = snapshot.apis.map(
    (api) =>
      `<li><strong>${escapeHtml(api.title)}</strong><br><code>${escapeHtml(api.localUrl)}</code></li>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey</title>
<meta name="viewport" content="width=device-width"><style>
:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}
body{max-width:40rem;margin:4rem auto;padding:0 1.5rem}h1{font-size:1.4rem}
li{margin:.6rem 0}code{font-size:.95em}p.fault{border-left:3px solid #e8590c;padding-left:.8rem}
</style><h1>Latchkey</h1>
<p>${escapeHtml(WORDS[snapshot.status])}${who ? ` Signed in as ${escapeHtml(who)}.` : ''}</p>
${snapshot.fault ? `<p class="fault">${escapeHtml(snapshot.fault.message)}</p>` : ''}
${rows.length > 0 ? `<p>Point your tools at:</p><ul>${rows.join('')}</ul>` : ''}
<p>Relay: ${escapeHtml(snapshot.relay ?? 'none set')} · version ${escapeHtml(snapshot.version)}</p></html>
`;
}

/**
 * Sends one of these pages.
 *
 * @param response the answer
 * @param requestId the request's ULID
 * @param type the media type
 * @param body the page
 */
export function sendPage(
  response: ServerResponse,
  requestId: string,
  type: 'text/html' | 'application/json',
  body: string,
): void {
  response.writeHead(200, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Request-Id': requestId,
  });
  response.end(body);
}
