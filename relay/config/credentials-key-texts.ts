import type { KeyText } from './key-texts.ts';
import { DURATION, SECRET } from './value-texts.ts';

const TOKEN_ENDPOINT = {
  tokenEndpoint: 'https://idp.example.com/token',
  clientId: 'relay',
  clientSecretFile: 'client.txt',
};

const ofCertificate = (path: string): Record<string, KeyText> => ({
  [`${path}.certFile`]: [
    'PEM of the certificate and its chain. A path relative to the directory of relay.yaml.',
    'relay.crt',
  ],
  [`${path}.keyFile`]: [`PEM of its private key. ${SECRET}`, 'relay.key'],
});

function ofTokenEndpoint(kind: string): Record<string, KeyText> {
  const path = `apis.*.request.credentials.${kind}`;
  return {
    [`${path}.tokenEndpoint`]: ['Where tokens are asked for.', 'https://idp.example.com/token'],
    [`${path}.clientId`]: ['Who the relay is there.', 'relay'],
    [`${path}.clientSecretFile`]: [SECRET, 'client.txt'],
    [`${path}.privateKeyFile`]: [`In place of a secret (RFC 7523). ${SECRET}`, 'client.pem'],
    [`${path}.keyId`]: ['The kid of that key.', 'key-1'],
    [`${path}.clientCertificate`]: [
      'In place of a secret (RFC 8705 §2).',
      { certFile: 'relay.crt', keyFile: 'relay.key' },
    ],
    ...ofCertificate(`${path}.clientCertificate`),
    [`${path}.scopes`]: ['The scopes that are asked for.', ['billing']],
    [`${path}.resource`]: ['What the token is for (RFC 8707).', 'https://billing.internal'],
    [`${path}.audience`]: ['Whom the token is for, where the endpoint wants it so.', 'billing'],
    [`${path}.timeout`]: [`How long the answer may take. ${DURATION}`, '5s'],
  };
}

/** The meaning of each key below `apis.*.request.credentials`. */
export const credentialsKeyTexts: Readonly<Record<string, KeyText>> = {
  'apis.*.request.credentials': [
    'What the API is shown in place of the caller’s token: exactly one of these.',
    { basic: { username: 'legacy', passwordFile: 'p.txt' } },
  ],
  'apis.*.request.credentials.basic': [
    'A user name and password.',
    { username: 'legacy', passwordFile: 'p.txt' },
  ],
  'apis.*.request.credentials.basic.username': ['Visible ASCII without a colon.', 'legacy'],
  'apis.*.request.credentials.basic.passwordFile': [SECRET, 'p.txt'],
  'apis.*.request.credentials.bearerFile': [`A token. ${SECRET}`, 'token.txt'],
  'apis.*.request.credentials.clientCertificate': [
    'A certificate, shown in the TLS handshake.',
    { certFile: 'relay.crt', keyFile: 'relay.key' },
  ],
  ...ofCertificate('apis.*.request.credentials.clientCertificate'),
  'apis.*.request.credentials.awsSigV4': [
    'A signature of AWS, version 4, over each request.',
    {
      region: 'eu-central-1',
      service: 'execute-api',
      accessKeyId: 'AKIAEXAMPLE',
      secretAccessKeyFile: 'aws.txt',
    },
  ],
  'apis.*.request.credentials.awsSigV4.region': ['The region of the API.', 'eu-central-1'],
  'apis.*.request.credentials.awsSigV4.service': [
    'The service, as in its endpoint.',
    'execute-api',
  ],
  'apis.*.request.credentials.awsSigV4.accessKeyId': ['The id of the access key.', 'AKIAEXAMPLE'],
  'apis.*.request.credentials.awsSigV4.secretAccessKeyFile': [SECRET, 'aws.txt'],
  'apis.*.request.credentials.awsSigV4.sessionTokenFile': [
    `For temporary keys. ${SECRET}`,
    'session.txt',
  ],
  'apis.*.request.credentials.clientCredentials': [
    'A token of the relay’s own, from a token endpoint (RFC 6749 §4.4).',
    TOKEN_ENDPOINT,
  ],
  ...ofTokenEndpoint('clientCredentials'),
  'apis.*.request.credentials.tokenExchange': [
    'A token for each caller, in exchange for theirs (RFC 8693).',
    TOKEN_ENDPOINT,
  ],
  ...ofTokenEndpoint('tokenExchange'),
  'apis.*.request.credentials.header': [
    'A field with a secret.',
    { name: 'X-Api-Key', valueFile: 'k.txt' },
  ],
  'apis.*.request.credentials.header.name': ['The name of the field.', 'X-Api-Key'],
  'apis.*.request.credentials.header.valueFile': [SECRET, 'k.txt'],
};
