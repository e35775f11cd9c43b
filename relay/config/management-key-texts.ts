import type { KeyText } from './key-texts.ts';
import { DURATION, FILE, SECRET } from './value-texts.ts';

/** The meaning of each key of `management`. */
export const managementKeyTexts: Readonly<Record<string, KeyText>> = {
  management: [
    'The listener for health, metrics, revocations, reload, the console and the audit. Without it there is none.',
    { listen: '127.0.0.1:9390' },
  ],
  'management.listen': [
    'As listen. Beyond this machine it needs management.tls, and signIn for the console and the audit.',
    '127.0.0.1:9390',
  ],
  'management.console': ['Whether the console and GET /audit are there.', false],
  'management.publicUrl': [
    'The origin under which people open the console, where that is not the listener itself. Needs signIn.',
    'https://relay-console.example.com',
  ],
  'management.tls': [
    'The certificate that the management listener shows; without it, it speaks plain http.',
    { certFile: 'management.crt', keyFile: 'management.key' },
  ],
  'management.tls.certFile': [`PEM of the certificate and its chain. ${FILE}`, 'management.crt'],
  'management.tls.keyFile': [`PEM of the private key. ${SECRET}`, 'management.key'],
  'management.signIn': [
    'OpenID Connect sign-in for the console and the audit. Beyond this machine neither is there without it.',
    { issuer: 'https://idp.example.com', clientId: 'latchkey-console', role: 'auditor' },
  ],
  'management.signIn.issuer': ['The provider, exactly as in `iss`.', 'https://idp.example.com'],
  'management.signIn.clientId': ['The client id of the console.', 'latchkey-console'],
  'management.signIn.clientSecretFile': [
    `The client's secret; without it and privateKeyFile the client is public. ${SECRET}`,
    'console.secret',
  ],
  'management.signIn.clientSecretMethod': [
    'How the secret is sent (token_endpoint_auth_method of RFC 7591): `client_secret_basic`, or `client_secret_post` for a client that is registered so.',
    'client_secret_basic',
  ],
  'management.signIn.privateKeyFile': [
    `PEM of the key that signs the client's assertions (RFC 7523). ${SECRET}`,
    'console.pem',
  ],
  'management.signIn.keyId': ['The `kid` of that key.', 'console-1'],
  'management.signIn.scopes': ['The scopes to ask for.', ['openid', 'profile', 'email']],
  'management.signIn.role': ['The role that people need to look.', 'auditor'],
  'management.signIn.rolesClaim': [
    'Where roles are in the ID token or the user information.',
    'realm_access.roles',
  ],
  'management.signIn.idle': [`After how long without a request a session ends. ${DURATION}`, '15m'],
  'management.signIn.session': [`After how long a session ends in any case. ${DURATION}`, '8h'],
};
