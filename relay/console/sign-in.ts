import type { Express, Request, Response } from 'express';
import type { Ledger } from '../../audit/ledger.ts';
import { route } from '../admin/audit.ts';
import { readerFields } from '../admin/reader.ts';
import type { SignInConfig } from '../config/config.ts';
import type { Gate } from './access.ts';
import { createAttempts } from './attempts.ts';
import { ATTEMPT_COOKIE, readCookie, SESSION_COOKIE, writeCookie } from './cookies.ts';
import { type PlainPage, sendPlainPage } from './plain-page.ts';
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

/** For pages on which somebody is not signed in, or no more. */
export const SIGN_IN_LINK = { href: '/console/sign-in', text: 'Sign in' };
const NOTHING_TO_SIGN_IN_TO = {
  status: 404,
  title: 'There is no sign-in here',
  text: 'This relay has no management.signIn.',
};

const MAX_REASON = 500;
/** It travels in `state`. */
const MAX_TARGET = 1_000;

/** Only pages of the console itself: a link must not lead elsewhere by way of the sign-in. */
function returnTarget(asked: unknown): string {
  const isOwn =
    typeof asked === 'string' &&
    asked.length <= MAX_TARGET &&
    /^\/(?:console\/[a-z]+(?:[/?][^\\\s]*)?|\?[^\\\s]*)?$/.test(asked);
  return isOwn ? asked : '/';
}

/** Why somebody whom the provider knows is not let in. */
type Refusal = 'role' | 'token_revoked' | 'state_unavailable';

function refusalPage(refusal: Refusal, { role }: SignInConfig): PlainPage {
  switch (refusal) {
    case 'role':
      return {
        status: 403,
        title: 'You may not look at this',
        text: `You are signed in at the identity provider, but you lack the role “${role}”, which this console asks for. Whoever administers it can give it to you.`,
      };
    case 'token_revoked':
      return {
        status: 403,
        title: 'Your sessions were ended',
        text: 'The identity provider or an operator ended your sessions, and this sign-in with them. A minute or two after that you can sign in again.',
      };
    case 'state_unavailable':
      return {
        status: 503,
        title: 'Nobody can be let in at this time',
        text: 'Which sessions were ended is not known. The relay’s /readyz says what is wrong.',
      };
    default:
      return refusal satisfies never;
  }
}

interface ProviderFault extends Error {
  readonly code?: unknown;
  readonly error?: unknown;
  readonly error_description?: unknown;
}

/** What went wrong, and what the provider says of it (RFC 6749 §4.1.2.1, §5.2; RFC 9110 §11.6.1). */
function reasonOf(failure: unknown): string {
  const fault = failure as ProviderFault;
  const { code, message, cause } = fault;
  const challenge = Array.isArray(cause)
    ? (cause[0] as { readonly parameters?: ProviderFault } | undefined)?.parameters
    : undefined;
  const inner = cause instanceof Error ? `: ${cause.message}` : '';
  const { error, error_description: description } = challenge ?? fault;
  return [code, `${message}${inner}`, error, description]
    .filter((part) => typeof part === 'string')
    .map((part) => part.slice(0, MAX_REASON))
    .join(' ');
}

/**
 * Adds the routes by which people sign in to the console.
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
      link: SIGN_IN_LINK,
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
      const { browser, attempt } = attempts.begin(readCookie(request, ATTEMPT_COOKIE), returnTo);
      const url = await providerOf(config).begin(`${origin()}/console/callback`, attempt);
      response.set('Set-Cookie', writeCookie(ATTEMPT_COOKIE, browser, 'Lax'));
      response.set('Referrer-Policy', 'no-referrer').redirect(url);
    } catch (error) {
      failed(response, error);
    }
    return undefined;
  }

  function refusalOf({ hasRole, ...who }: Identity): Refusal | undefined {
    if (!hasRole) return 'role';
    try {
      return gate.isRevoked(who) ? 'token_revoked' : undefined;
    } catch {
      return 'state_unavailable';
    }
  }

  /** @returns why somebody is not let in; undefined: they are */
  async function admit(
    request: Request,
    response: Response,
    identity: Identity,
  ): Promise<Refusal | undefined> {
    const { hasRole: _hasRole, ...who } = identity;
    const code = refusalOf(identity);
    const ip = request.socket.remoteAddress;
    await ledger.append('sign-in', {
      ...readerFields({ person: who.person, ...(ip === undefined ? {} : { ip }) }),
      decision: code === undefined ? 'allow' : 'deny',
      ...(code === undefined ? {} : { code }),
      detail: 'console',
    });
    if (code !== undefined) return code;
    response.set('Set-Cookie', writeCookie(SESSION_COOKIE, gate.sessions.open(who), 'Strict'));
    return undefined;
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
        link: SIGN_IN_LINK,
      });
    let identity: Identity;
    try {
      identity = await providerOf(config).finish(callback, pending);
    } catch (error) {
      return failed(response, error);
    }
    const refusal = await admit(request, response, identity);
    if (refusal !== undefined)
      return sendPlainPage(response, { ...refusalPage(refusal, config), link: SIGN_IN_LINK });
    // Not a redirect: one that began elsewhere would leave the strict cookie behind.
    return sendPlainPage(response, {
      status: 200,
      title: 'Signed in',
      text: 'The console opens now.',
      goTo: pending.returnTo,
      link: { href: pending.returnTo, text: 'Open the console' },
    });
  }

  app.get('/console/sign-in', route(begin));
  app.get('/console/callback', route(comeBack));
}
