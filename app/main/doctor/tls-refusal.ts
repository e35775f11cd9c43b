/** Why a certificate is not accepted, in words. */
export interface RefusalWords {
  readonly reason: string;
  readonly todo: string;
}

const unknownIssuer = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Says why a certificate is not accepted and what helps.
 *
 * @param refusal OpenSSL's or Node's code, whether a public authority is at the top, the names that it is for
 * @returns the reason and what to do
 */
export function explainRefusal(refusal: {
  readonly code: string;
  readonly isPublic: boolean;
  readonly names: string | undefined;
}): RefusalWords {
  const { code, isPublic, names } = refusal;
  if (unknownIssuer.has(code)) {
    return {
      reason: 'the certificate’s authority is not known here',
      todo: isPublic ? incomplete : privateAuthority,
    };
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return {
        reason: 'the certificate has expired',
        todo: 'Look at this computer’s date and time; if they are right, ask the relay’s administrator to renew the certificate.',
      };
    case 'CERT_NOT_YET_VALID':
      return {
        reason: 'the certificate is not valid yet',
        todo: 'Set this computer’s date and time: they are probably behind.',
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        reason: `the certificate is for other names (${names ?? 'none'})`,
        todo: 'Check the relay’s address; if it is right, ask its administrator for a certificate with this name.',
      };
    default:
      return {
        reason: 'the certificate is not accepted',
        todo: 'Give the relay’s administrator this line.',
      };
  }
}

const incomplete =
  'Ask the relay’s administrator to send the whole chain (intermediate certificates).';
const privateAuthority =
  'Ask your administrator for the company’s authority and name its PEM file in network.caFile. If the issuer is a security product, a proxy on the way looks into TLS: let it pass the relay through, or name its authority in network.caFile.';
