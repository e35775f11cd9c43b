import { interactionPolicy } from 'oidc-provider';

/** How people can sign in, weakest first: by password, by password and one-time code. */
export const acrValues: readonly string[] = ['pwd', 'mfa'];

/**
 * Tells whether a sign-in needs the one-time code as well.
 *
 * @param asked the request's `acr_values`, any one of which will do
 * @returns true when a password alone is none of them
 * @see OpenID Connect Core §3.1.2.1
 */
export function needsCode(asked: unknown): boolean {
  const values = typeof asked === 'string' ? asked.split(' ') : [];
  return values.includes('mfa') && !values.includes('pwd');
}

/**
 * When people are asked to sign in: as oidc-provider does it (no session, `max_age`, `prompt=login`), and
 * when the session is weaker than `acr_values` asks for, which by itself it takes for a mere wish.
 *
 * @returns the policy of the demo's identity provider
 * @see RFC 9470 §5
 */
export function createPolicy(): readonly interactionPolicy.Prompt[] {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')
    ?.checks.add(
      new Check('weak_session', 'a stronger sign-in is needed', ({ oidc }) =>
        needsCode(oidc.params?.['acr_values']) && oidc.session?.acr !== 'mfa'
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}
