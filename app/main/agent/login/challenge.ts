/** How strongly and how recently the person has to sign in. */
export interface SignInChallenge {
  /** Any one of these will do; empty when only the age matters. */
  readonly acrValues: readonly string[];
  readonly maxAgeSeconds?: number;
}

/**
 * Says in an authorization request what the relay wants of the sign-in.
 *
 * @param challenge what is wanted, if anything is
 * @returns the parameters
 * @see RFC 9470 §4, OpenID Connect Core §3.1.2.1
 */
export function challengeParameters(
  challenge: SignInChallenge | undefined,
): Readonly<Record<string, string>> {
  if (challenge === undefined) return {};
  const { acrValues, maxAgeSeconds } = challenge;
  return {
    ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
  };
}
