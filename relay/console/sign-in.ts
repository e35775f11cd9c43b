import type { Express, Request, Response } from 'express';
import type { Ledger } from '../../audit/ledger.ts';
import { route } from '../admin/audit.ts';
import { readerFields } from '../admin/reader.ts';
import type { SignInConfig } from '../config/config.ts';
import type { Gate } from './access.ts';
import { createAttempts } from './attempts.ts';
import { ATTEMPT_COOKIE, readCookie, SESSION_COOKIE, writeCookie } from './cookies.ts';
import { sendPlainPage } from './plain-page.ts';
import { createProvider, type Identity, type Provider } from './provider.ts';

/** What signing in to the console needs. */
export interface SignInDeps {
  readonly gate: Gate;
  readonly ledger: Pick<Ledger, 'append'>;
  /** The origin under which people open the console. */
  readonly origin: () => string;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
}

const AGAIN = { href: '/console/sign-in', text: 'Sign in' };
const NOTHING_TO_SIGN_IN_TO = {
  status: 404,
  title: 'There is no sign-in here',
  text: 'This relay has no management.signIn.',
};

/** Only pages of the console itself: a link must not lead elsewhere by way of the sign-in. */
function returnTarget(asked: unknown): string {
  const isOwn =
    typeof asked === 'string' &&
    asked.length <= 2_000 &&
    /^\/(?:console\/[a-z]+(?:[/?][^\\\s]*)?|\?[^\\\s]*)?$/.test(asked);
  return isOwn ? asked : '/';
}

const reasonOf = (error: unknown): string => {
  const { code, message, cause } = error as Error & { readonly code?: unknown };
  const inner = cause instanceof Error ? `: ${cause.message}` : '';
  return [code, `${message}${inner}`].filter((part) => typeof part === 'string').join(' ');
};

/**
 * Adds the routes by which people sign in to the console and out again.
 *
 * @param app the management listener's application, behind its guard
 * @param deps who is let in, and where it is recorded
 */
export function mountSignIn(app: Express, deps: SignInDeps): void {
  const { gate, ledger, origin, now } = deps;
  const attempts = createAttempts(now);
  let provider: { readonly of: SignInConfig; readonly it: Provider } | undefined;

  function providerOf(config: SignInConfig): Provider {
    if (provider?.of !== config) provider = { of: config, it: createProvider(config, now) };
    return provider.it;
  }

  function failed(response: Response, error: unknown): void {
    deps.log({ event: 'console_sign_in_failed', reason: reasonOf(error) });
    sendPlainPage(response, {
      status: 502,
      title: 'The sign-in did not work',
      text: "The identity provider could not be reached, or its answer was not what it must be. The relay's log says more.",
      link: AGAIN,
    });
  }

  async function begin(request: Request, response: Response): Promise<void> {
    const config = gate.signIn();
    if (config === undefined) return sendPlainPage(response, NOTHING_TO_SIGN_IN_TO);
    const returnTo = returnTarget(request.query['to']);
    // The provider leads back to this origin, and cookies of another would be left behind.
    if (
      `http://${request.headers.host}` !== origin() &&
      `https://${request.headers.host}` !== origin()
    )
      return response.redirect(`${origin()}/console/sign-in?to=${encodeURIComponent(returnTo)}`);
    try {
      const { url, attempt } = await providerOf(config).begin(`${origin()}/console/callback`);
      const browser = attempts.add(readCookie(request, ATTEMPT_COOKIE), { ...attempt, returnTo });
      response.set('Set-Cookie', writeCookie(ATTEMPT_COOKIE, browser, 'Lax'));
      response.set('Referrer-Policy', 'no-referrer').redirect(url);
    } catch (error) {
      failed(response, error);
    }
    return undefined;
  }

  async function admit(
    request: Request,
    response: Response,
    { user, userName, hasRole }: Identity,
    config: SignInConfig,
  ): Promise<boolean> {
    const ip = request.socket.remoteAddress;
    const person = { issuer: config.issuer, user, ...(userName === undefined ? {} : { userName }) };
    const fields = readerFields({ person, ...(ip === undefined ? {} : { ip }) });
    await ledger.append('sign-in', {
      ...fields,
      decision: hasRole ? 'allow' : 'deny',
      ...(hasRole ? {} : { code: 'role' }),
      detail: 'console',
    });
    if (!hasRole) return false;
    const secret = gate.sessions.open(person);
    response.set('Set-Cookie', writeCookie(SESSION_COOKIE, secret, 'Strict'));
    return true;
  }

  async function comeBack(request: Request, response: Response): Promise<void> {
    const config = gate.signIn();
    if (config === undefined) return sendPlainPage(response, NOTHING_TO_SIGN_IN_TO);
    const callback = new URL(request.originalUrl, origin());
    const state = callback.searchParams.get('state') ?? '';
    const pending = attempts.take(readCookie(request, ATTEMPT_COOKIE), state);
    if (pending === undefined)
      return sendPlainPage(response, {
        status: 400,
        title: 'This sign-in is over',
        text: 'It was begun too long ago, in another browser, or was used already.',
        link: AGAIN,
      });
    let identity: Identity;
    try {
      identity = await providerOf(config).finish(callback, pending);
    } catch (error) {
      return failed(response, error);
    }
    if (await admit(request, response, identity, config))
      // Not a redirect: one that began elsewhere would leave the strict cookie behind.
      return sendPlainPage(response, {
        status: 200,
        title: 'Signed in',
        text: 'The console opens now.',
        goTo: pending.returnTo,
        link: { href: pending.returnTo, text: 'Open the console' },
      });
    return sendPlainPage(response, {
      status: 403,
      title: 'You may not look at this',
      text: `You are signed in at the identity provider, but you lack the role “${config.role}”, which this console asks for. Whoever administers it can give it to you.`,
      link: { ...AGAIN, text: 'Try again' },
    });
  }

  async function signOut(request: Request, response: Response): Promise<void> {
    const secret = readCookie(request, SESSION_COOKIE);
    const session = secret === undefined ? undefined : gate.sessions.end(secret);
    response.set('Set-Cookie', writeCookie(SESSION_COOKIE, '', 'Strict'));
    if (session !== undefined)
      await ledger.append('sign-out', { ...readerFields(session), detail: 'console' });
    response.json({ signedOut: true });
  }

  app.get('/console/sign-in', route(begin));
  app.get('/console/callback', route(comeBack));
  app.post('/console/sign-out', route(signOut));
  app.get('/console/signed-out', (_request, response) =>
    sendPlainPage(response, {
      status: 200,
      title: 'You are signed out',
      text: 'The console’s session has ended. The identity provider may still know you.',
      link: AGAIN,
    }),
  );
}
