import type { ServerResponse } from 'node:http';
import type { AgentSnapshot, ProfileSnapshot } from '../status.ts';
import type { Call } from './call.ts';
import { readableFields } from './preflight.ts';

type Shown = Omit<ProfileSnapshot, 'name' | 'title'> &
  Partial<Pick<ProfileSnapshot, 'name' | 'title'>>;

function words({ status, name }: Shown): string {
  const login = name === undefined ? 'latchkey login' : `latchkey login --profile ${name}`;
  switch (status) {
    case 'signed-out':
      return `Signed out. Sign in from the Latchkey tray icon, or run: ${login}`;
    case 'signing-in':
      return 'Signing in. Finish the sign-in in your browser.';
    case 'ready':
      return 'Ready.';
    case 'offline':
      return 'Offline: the relay cannot be reached now. Latchkey goes on trying.';
    default:
      return `Your session has ended. Sign in again from the tray icon, or run: ${login}`;
  }
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function statusFields({ status, user, relay, apis }: Shown): object {
  return {
    status,
    user: user?.email ?? user?.name ?? user?.subject ?? null,
    relay: relay ?? null,
    apis: apis.map(({ name, title, localUrl, ownUrl }) => ({
      name,
      title,
      url: localUrl,
      ...(ownUrl === undefined ? {} : { ownUrl }),
    })),
  };
}

/**
 * Answers `GET /.latchkey/status`: what tools may know; no secret.
 *
 * @param snapshot the agent's state
 * @returns the JSON body
 */
export function statusDocument(snapshot: AgentSnapshot): string {
  return JSON.stringify({
    ...statusFields(snapshot),
    version: snapshot.version,
    ...(snapshot.profiles && {
      profiles: snapshot.profiles.map((profile) => ({
        name: profile.name,
        title: profile.title,
        ...statusFields(profile),
      })),
    }),
  });
}

function section(shown: Shown): string {
  const { user, fault, apis, title } = shown;
  const who = user?.name ?? user?.email ?? user?.subject;
  const rows = apis.map(
    ({ title, localUrl, ownUrl }) =>
      `<li><strong>${escapeHtml(title)}</strong><br><code>${[localUrl, ...(ownUrl ? [ownUrl] : [])].map(escapeHtml).join('</code><br><code>')}</code></li>`,
  );
  return `${title === undefined ? '' : `<h2>${escapeHtml(title)}</h2>`}
<p>${escapeHtml(words(shown))}${who ? ` Signed in as ${escapeHtml(who)}.` : ''}</p>
${fault ? `<p class="fault">${escapeHtml(fault.message)}</p>` : ''}
${rows.length > 0 ? `<p>Point your tools at:</p><ul>${rows.join('')}</ul>` : ''}
<p>Relay: ${escapeHtml(shown.relay ?? 'none set')}`;
}

/**
 * Answers `GET /`: the same for people.
 *
 * @param snapshot the agent's state
 * @returns an HTML page without scripts
 */
export function statusPage(snapshot: AgentSnapshot): string {
  const sections = (snapshot.profiles ?? [snapshot]).map(section);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey</title>
<meta name="viewport" content="width=device-width"><style>
:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}
body{max-width:40rem;margin:4rem auto;padding:0 1.5rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
li{margin:.6rem 0}code{font-size:.95em}p.fault{border-left:3px solid #e8590c;padding-left:.8rem}
</style><h1>Latchkey</h1>
${sections.join('</p>')} · version ${escapeHtml(snapshot.version)}</p></html>
`;
}

/**
 * Sends one of these pages.
 *
 * @param response the answer
 * @param call who asks
 * @param type the media type
 * @param body the page
 */
export function sendPage(
  response: ServerResponse,
  { requestId, origin }: Pick<Call, 'requestId' | 'origin'>,
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
    ...(origin === undefined ? {} : readableFields(origin)),
  });
  response.end(body);
}
