import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Provider } from 'oidc-provider';

import { codePage, consentPage, errorPage, loginPage } from './idp-pages.ts';
import { needsCode } from './idp-policy.ts';
import { apiScopes, demoCode, findPerson } from './people.ts';
import type { Person } from './people.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

const oidcScopes = ['openid', 'offline_access', 'profile', 'email'];

function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    // form-action also governs the redirects after the form: the app's callback is on another port
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; " +
      "form-action 'self' http://127.0.0.1:* http://localhost:*",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(html);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request as AsyncIterable<string>) {
    text += chunk;
    if (text.length > 10_000) throw new Error('the form is too large');
  }
  return new URLSearchParams(text);
}

function words(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ').filter(Boolean) : [];
}

function resources(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === 'string');
}

/**
 * The pages on which people sign in and consent, for `GET` and `POST /interaction/:uid[/switch]`.
 *
 * @param provider whose interactions these are
 * @param clientName shown on the consent page
 * @returns a handler of requests below `/interaction/`
 */
export function createInteractions(provider: Provider, clientName: string) {
  /** The person who gave the password in this interaction; kept with it, and worth nothing by itself. */
  function halfSignedIn(interaction: Interaction): Person | undefined {
    const kept = interaction.result?.['password'];
    if (typeof kept === 'string') return findPerson(kept);
    const { reasons } = interaction.prompt;
    // Whoever has a session that is fresh enough needs the second step only.
    const isFresh = reasons.length === 1 && reasons[0] === 'weak_session';
    return isFresh ? findPerson(interaction.session?.accountId) : undefined;
  }

  function askCode(
    response: ServerResponse,
    status: number,
    action: string,
    person: Person,
    fault?: string,
  ): void {
    const options = { action, switchUrl: `${action}/switch`, person: person.name, code: demoCode };
    sendPage(response, status, codePage({ ...options, ...(fault === undefined ? {} : { fault }) }));
  }

  async function secondStep(
    request: IncomingMessage,
    response: ServerResponse,
    action: string,
    person: Person,
  ): Promise<void> {
    if (request.method !== 'POST') return askCode(response, 200, action, person);
    const code = (await readForm(request)).get('code')?.trim();
    if (code !== demoCode) {
      return askCode(response, 401, action, person, 'The code is wrong. Try again.');
    }
    return provider.interactionFinished(
      request,
      response,
      { login: { accountId: person.user, acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] } },
      { mergeWithLastSubmission: false },
    );
  }

  async function login(
    request: IncomingMessage,
    response: ServerResponse,
    action: string,
    interaction: Interaction,
  ): Promise<void> {
    if (request.method !== 'POST') return sendPage(response, 200, loginPage(action));
    const form = await readForm(request);
    const user = form.get('user')?.trim().toLowerCase() ?? '';
    const person = findPerson(user);
    if (person === undefined || person.password !== form.get('password')) {
      const message = 'The user name or the password is wrong. Try again.';
      return sendPage(response, 401, loginPage(action, { message, user }));
    }
    const options = { mergeWithLastSubmission: false };
    if (needsCode(interaction.params['acr_values'])) {
      await provider.interactionResult(request, response, { password: person.user }, options);
      return askCode(response, 200, action.replace(/\/switch$/, ''), person);
    }
    const result = { login: { accountId: person.user, acr: 'pwd', amr: ['pwd'] } };
    return provider.interactionFinished(request, response, result, options);
  }

  /** Each sign-in gets a grant of its own, so that revoking one does not end another. */
  async function grantFor(interaction: Interaction, user: string): Promise<string> {
    const grant = new provider.Grant({
      accountId: user,
      clientId: String(interaction.params.client_id),
    });
    const asked = words(interaction.params.scope);
    const allowed = findPerson(user)?.scopes ?? [];
    grant.addOIDCScope(oidcScopes.filter((scope) => asked.includes(scope)));
    for (const resource of resources(interaction.params.resource)) {
      const wanted = asked.filter((scope) => scope in apiScopes);
      grant.addResourceScope(
        resource,
        wanted.filter((scope) => allowed.includes(scope)),
      );
      grant.rejectResourceScope(
        resource,
        wanted.filter((scope) => !allowed.includes(scope)),
      );
    }
    return grant.save();
  }

  async function consent(
    request: IncomingMessage,
    response: ServerResponse,
    action: string,
    interaction: Interaction,
  ): Promise<void> {
    const person = findPerson(interaction.session?.accountId);
    if (person === undefined) return login(request, response, action, interaction);
    if (request.method !== 'POST') {
      const asked = words(interaction.params.scope).filter((scope) => scope in apiScopes);
      const describe = (scope: string): string => `${apiScopes[scope]} (${scope})`;
      return sendPage(
        response,
        200,
        consentPage({
          action,
          switchUrl: `${action}/switch`,
          client: clientName,
          person: `${person.name} (${person.email})`,
          granted: asked.filter((scope) => person.scopes.includes(scope)).map(describe),
          withheld: asked.filter((scope) => !person.scopes.includes(scope)).map(describe),
        }),
      );
    }
    const allow = (await readForm(request)).get('answer') === 'allow';
    const result = allow
      ? { consent: { grantId: await grantFor(interaction, person.user) } }
      : { error: 'access_denied', error_description: 'The person refused access' };
    return provider.interactionFinished(request, response, result, {
      mergeWithLastSubmission: allow,
    });
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0] ?? '';
    const action = path.replace(/\/switch$/, '');
    try {
      const interaction = await provider.interactionDetails(request, response);
      if (path.endsWith('/switch')) return await login(request, response, path, interaction);
      if (interaction.prompt.name === 'login') {
        const person = halfSignedIn(interaction);
        if (person) return await secondStep(request, response, action, person);
        return await login(request, response, path, interaction);
      }
      return await consent(request, response, action, interaction);
    } catch {
      return sendPage(
        response,
        400,
        errorPage(
          'This sign-in has ended or was started in another browser. Start again in the app.',
        ),
      );
    }
  };
}
