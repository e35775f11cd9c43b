const REASONS: Readonly<Record<string, string>> = {
  token_missing: 'No access token came with the request.',
  bad_credentials: 'Credentials were sent twice, in a wrong place, or malformed.',
  token_expired: 'The access token had expired.',
  token_not_yet_valid: 'The access token was not valid yet.',
  token_signature: 'The access token was not genuine.',
  token_algorithm: 'The access token was signed by a refused algorithm.',
  token_type: 'What was sent was no access token.',
  token_issuer: 'The access token was of an issuer that is not trusted.',
  token_audience: 'The access token was for somebody else.',
  token_claims: 'The access token had unacceptable claims.',
  token_revoked: 'The session had been ended.',
  token_inactive: 'The issuer said that the access token is not active.',
  token_binding: 'The access token is bound to a key that was not shown: perhaps it was stolen.',
  dpop_proof: 'The proof of possession was wrong or was used before.',
  dpop_nonce: 'The proof of possession lacked a fresh nonce; clients try again with it.',
  scope: 'A scope was missing that the rule asks for.',
  step_up: 'A stronger or fresher sign-in was asked for.',
  role: 'A role was missing.',
  group: 'A group was missing.',
  claim: 'A claim was missing or had another value.',
  client: 'The client may not do that.',
  condition: "The rule's condition did not hold.",
  network: 'The request came from another network than the rule allows.',
  denied: 'A rule denies it.',
  no_rule: 'No rule allows it.',
  unknown_api: 'There is no such API.',
  ambiguous_target: 'The address could be read in two ways.',
  bad_request: 'The request was malformed.',
  wrong_host: 'The request named another host.',
  method: 'The method is not allowed.',
  too_large: 'The body was too large.',
  url_too_long: 'The address was too long.',
  headers_too_large: 'The header fields were too large.',
  too_slow: 'The request came too slowly.',
  rate_limited: 'Too many requests in a short time.',
  issuer_unavailable: "The issuer's keys could not be had.",
  audit_unavailable: 'The audit could not be written, so no access was given.',
  no_upstream: 'No address of the API was healthy.',
  state_unavailable: 'What relays share could not be reached.',
  draining: 'The relay was stopping.',
  upstream_unreachable: 'The API could not be reached.',
  upstream_protocol: 'The API gave a bad answer.',
  upstream_timeout: 'The API did not answer in time.',
  interrupted: 'The relay ended before the answer did.',
};

/**
 * Says in a sentence what a code means.
 *
 * @param code of a refusal or a failure
 * @returns the sentence; undefined for codes that this version does not know
 */
export const reasonText = (code: string): string | undefined => REASONS[code];
