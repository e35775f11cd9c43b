import type { Express, Request, Response } from 'express';
import { route } from '../admin/audit.ts';
import { readerFields } from '../admin/reader.ts';
import { requireJson } from '../admin/require-json.ts';
import { readCookie, SESSION_COOKIE, SIGN_OUT_COOKIE, writeCookie } from './cookies.ts';
import { createDepartures } from './departures.ts';
import { sendPlainPage } from './plain-page.ts';
import { SIGN_IN_LINK, type SignInDeps } from './sign-in.ts';

const HERE_ONLY = 'The console’s session has ended. The identity provider may still know you.';
const BOTH =
  'The console’s session has ended, and the identity provider was asked to end its own. Others that it signed you in to may not have.';

/**
 * Adds the routes by which people sign out, here and then at the provider. What is asked for decides
 * nothing about where they lead: an address comes from the provider's metadata and the configuration only.
 *
 * @param app the management listener's application, behind its guard
 * @param deps whose sessions end, and where it is recorded
 * @see OpenID Connect RP-Initiated Logout 1.0
 */
export function mountSignOut(app: Express, { gate, ledger, origin }: SignInDeps): void {
  const departures = createDepartures();

  async function signOut(request: Request, response: Response): Promise<void> {
    const secret = readCookie(request, SESSION_COOKIE);
    const session = secret === undefined ? undefined : gate.sessions.end(secret);
    response.append('Set-Cookie', writeCookie(SESSION_COOKIE, '', 'Strict'));
    if (session?.farewell !== undefined) {
      const browser = departures.add(session.farewell, `${origin()}/console/signed-out`);
      // Not strict: the provider leads back.
      response.append('Set-Cookie', writeCookie(SIGN_OUT_COOKIE, browser, 'Lax'));
    }
    if (session !== undefined)
      await ledger.append('sign-out', { ...readerFields(session), detail: 'console' });
    response.json({ signedOut: true });
  }

  /** Where the page goes after it has signed out, and the provider leads back to. */
  function signedOut(request: Request, response: Response): void {
    const browser = readCookie(request, SIGN_OUT_COOKIE);
    const onward = departures.take(browser);
    if (onward !== undefined) {
      response.set('Referrer-Policy', 'no-referrer').redirect(onward);
      return;
    }
    const isBack = browser !== undefined && request.query['state'] === browser;
    if (isBack) response.set('Set-Cookie', writeCookie(SIGN_OUT_COOKIE, '', 'Lax'));
    sendPlainPage(response, {
      status: 200,
      title: 'You are signed out',
      text: isBack ? BOTH : HERE_ONLY,
      link: SIGN_IN_LINK,
    });
  }

  app.post('/console/sign-out', requireJson, route(signOut));
  app.get('/console/signed-out', signedOut);
}
