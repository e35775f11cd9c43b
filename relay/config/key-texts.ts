import { anomalyKeyTexts } from './anomaly-key-texts.ts';
import { auditKeyTexts } from './audit-key-texts.ts';
import { managementKeyTexts } from './management-key-texts.ts';
import { sinkKeyTexts } from './sink-key-texts.ts';
import { telemetryKeyTexts } from './telemetry-key-texts.ts';
import { DURATION, FILE, SECRET, SIZE } from './value-texts.ts';

/** What a key of relay.yaml means, for editors, and values that it may have. */
export type KeyText = readonly [description: string, ...examples: readonly unknown[]];

const relay: Readonly<Record<string, KeyText>> = {
  listen: [
    'Where the relay listens: host:port, [IPv6]:port or unix:/absolute/path. Beyond this machine it needs tls.',
    '127.0.0.1:8443',
    '0.0.0.0:443',
    ['127.0.0.1:8443', 'unix:/run/latchkey/relay.sock'],
  ],
  proxyProtocol: [
    'Whether each connection begins with a PROXY protocol header (v1 or v2). It then must, and comes from trustedProxies alone.',
    true,
  ],
  workers: [
    'How many processes serve: a number, or auto for one a core. The audit stays one.',
    'auto',
    4,
  ],
  reusePort: [
    'Whether another relay may listen on the same addresses, to take over without a gap (Linux).',
    true,
  ],
  drain: ['What happens before the relay stops.', { delay: '5s', timeout: '30s' }],
  'drain.delay': [
    `How long /readyz is red while all is still served, each answer being its connection's last. ${DURATION}`,
    '5s',
  ],
  'drain.timeout': [`How long open exchanges may go on after that. ${DURATION}`, '30s'],
  assertion: [
    'The keys that sign X-Latchkey-Assertion. Without them the relay makes one beside its audit.',
    { keyFile: 'assertion.pem' },
  ],
  'assertion.keyFile': [`PEM of the P-256 key that signs. ${SECRET}`, 'assertion.pem'],
  'assertion.furtherKeyFiles': [
    `Keys that are published as well: the next one, or the one before. ${SECRET}`,
    ['assertion-next.pem'],
  ],
  publicUrl: [
    'The origin under which people and tokens know the relay. The only one used in the metadata, in links and to check DPoP proofs.',
    'https://relay.example.com',
  ],
  tls: ['The certificate that the relay shows.', { certFile: 'relay.crt', keyFile: 'relay.key' }],
  'tls.certFile': [`PEM of the certificate and its chain. ${FILE}`, 'relay.crt'],
  'tls.keyFile': [`PEM of the private key. ${SECRET}`, 'relay.key'],
  'tls.clientCertificates': [
    'Whether clients are asked for a certificate, so that tokens bound to one (RFC 8705) can be used.',
    'request',
  ],
  'tls.additional': [
    'Further certificates, shown to clients that ask for one of their names (SNI).',
    [{ certFile: 'other.crt', keyFile: 'other.key' }],
  ],
  'tls.additional.*.certFile': [`PEM of the certificate and its chain. ${FILE}`, 'other.crt'],
  'tls.additional.*.keyFile': [`PEM of its private key. ${SECRET}`, 'other.key'],
  clientCertificateHeader: [
    'The field in which the trusted proxies pass a client certificate on: RFC 9440, or URL-encoded PEM. Needs trustedProxies.',
    'Client-Cert',
  ],
  trustedProxies: [
    'CIDRs of load balancers whose word on where a request comes from is believed.',
    ['10.0.0.0/8'],
  ],
  additionalHosts: ['Other names that requests may carry in Host.', ['relay.internal:8443']],
  insecure: [
    'Named opt-outs of what is safe. Each one set is logged, audited and shown in /readyz.',
    { plainUpstream: true },
  ],
  'insecure.plainHttp': ['Listen beyond this machine without TLS.', true],
  'insecure.plainIssuer': ['Speak plain http with an issuer beyond this machine.', true],
  'insecure.plainUpstream': ['Speak plain http with an API beyond this machine.', true],
  'insecure.trustAnyProxy': ['Believe everybody about where a request comes from.', true],
  'insecure.plainState': ['Speak with Redis beyond this machine without TLS.', true],
  'insecure.plainSink': ['Ship the audit beyond this machine without TLS.', true],
  'insecure.plainTelemetry': ['Send traces beyond this machine without TLS.', true],
  state: [
    'Where several relays keep what they must know of each other: used DPoP proofs and revocations. memory is for one relay.',
    'memory',
    { redis: 'rediss://redis.example.com:6379' },
  ],
  'state.redis': [
    'The address of Redis.',
    'rediss://relay:${REDIS_PASSWORD}@redis.example.com:6379/0',
  ],
  limits: ['Bounds for what clients may send.', { headers: '32KB', url: '8KB' }],
  'limits.headers': [`All header fields of a request together. ${SIZE}`, '32KB'],
  'limits.url': [`The request target. ${SIZE}`, '8KB'],
  'limits.connections': ['Connections at one time; further ones are closed at once.', 10_000],
  'limits.headersTimeout': [`How long a client may take for its headers. ${DURATION}`, '10s'],
  'limits.bodyRate': [`The least that a client must send of a body each second. ${SIZE}`, '1KB'],
  'limits.bodyGrace': [`How long a body may be slower than that. ${DURATION}`, '10s'],
  'limits.failedAuthentications': [
    'How many requests with bad tokens one address may send before the rest are refused unseen; off for no such bound. Tokens that are known always pass.',
    { requests: 6000, per: '1m' },
    'off',
  ],
  'limits.failedAuthentications.requests': ['How many.', 6000],
  'limits.failedAuthentications.per': [`In what time. ${DURATION}`, '1m'],
  'limits.connectionsPerIp': ['Connections that one address may have open.', 200],
  'limits.rate': [
    'An allowance for all APIs together, or a list of them.',
    { requests: 1000, per: '1s', by: 'user' },
  ],
  'limits.rate.requests': ['How many at once, and again in each `per`.', 1000],
  'limits.rate.per': [`In what time. ${DURATION}`, '1s'],
  'limits.rate.by': ['Whose requests share it.', 'user'],
  'limits.rate.*.requests': ['How many at once, and again in each `per`.', 1000],
  'limits.rate.*.per': [`In what time. ${DURATION}`, '1s'],
  'limits.rate.*.by': ['Whose requests share it.', 'user'],
};

const issuers: Readonly<Record<string, KeyText>> = {
  issuers: [
    'The identity providers whose access tokens are accepted.',
    [{ issuer: 'https://idp.example.com' }],
  ],
  'issuers.*.issuer': [
    'The issuer identifier, exactly as in `iss`, trailing slash included.',
    'https://idp.example.com',
  ],
  'issuers.*.audience': [
    'One of these must be in `aud`. Default: publicUrl. Empty only with tokens: introspection.',
    ['https://relay.example.com'],
  ],
  'issuers.*.tokens': [
    'jwt: tokens are signed JWTs. introspection: the issuer is asked about each (RFC 7662).',
    'jwt',
  ],
  'issuers.*.profile': [
    'strict: RFC 9068. compat: typ JWT or none, client_id, azp or cid, scope or scp as text or list.',
    'compat',
  ],
  'issuers.*.algorithms': ['The signature algorithms that its tokens may have.', ['RS256']],
  'issuers.*.clockTolerance': [`How far its clock may differ. ${DURATION} At most 5m.`, '30s'],
  'issuers.*.maxStale': [
    `How long known keys serve while it cannot be reached. ${DURATION} At most 30d.`,
    '24h',
  ],
  'issuers.*.dpop': [
    'Tokens bound to a key of the client (RFC 9449). off: refused. optional: bound tokens must prove, others are fine. required: all must be bound, and proofs carry a nonce.',
    'required',
    { mode: 'required', nonce: false },
  ],
  'issuers.*.dpop.mode': ['off, optional or required.', 'required'],
  'issuers.*.dpop.nonce': ['Whether proofs must carry a nonce of the relay (RFC 9449 §9).', true],
  'issuers.*.claims': [
    'Where in its tokens these are found: a claim by its exact name, or members joined by dots.',
    { roles: 'realm_access.roles' },
  ],
  'issuers.*.claims.user': ['The claim that names people in policy and audit.', 'sub'],
  'issuers.*.claims.email': ['The claim with the email address.', 'email'],
  'issuers.*.claims.roles': ['The claim with the roles.', 'realm_access.roles'],
  'issuers.*.claims.groups': ['The claim with the groups.', 'groups'],
  'issuers.*.introspection': [
    'How the relay asks the issuer about tokens. With tokens: introspection only; one of clientSecretFile, privateKeyFile, clientCertificate.',
    { clientId: 'relay', clientSecretFile: 'introspection-secret' },
  ],
  'issuers.*.introspection.clientId': ['The client id of the relay at the issuer.', 'relay'],
  'issuers.*.introspection.clientSecretFile': [
    `The client secret (client_secret_basic). ${SECRET}`,
    's.txt',
  ],
  'issuers.*.introspection.privateKeyFile': [
    `PEM of the key that signs assertions (private_key_jwt). ${SECRET}`,
    'introspection.key',
  ],
  'issuers.*.introspection.keyId': ['The `kid` of that key at the issuer.', 'relay-2026'],
  'issuers.*.introspection.clientCertificate': [
    'The certificate shown to the issuer (tls_client_auth).',
    { certFile: 'relay.crt', keyFile: 'relay.key' },
  ],
  'issuers.*.introspection.clientCertificate.certFile': [`PEM. ${FILE}`, 'relay.crt'],
  'issuers.*.introspection.clientCertificate.keyFile': [`PEM. ${SECRET}`, 'relay.key'],
  'issuers.*.introspection.endpoint': [
    'The introspection endpoint, where discovery does not name it.',
    'https://idp.example.com/introspect',
  ],
  'issuers.*.introspection.cache': [
    `How long an answer serves at most: a token revoked at the issuer may live that long. ${DURATION}`,
    '30s',
  ],
  'issuers.*.introspection.negativeCache': [`The same for "not active". ${DURATION}`, '5s'],
  'issuers.*.introspection.timeout': [`How long the issuer may take. ${DURATION}`, '5s'],
  'issuers.*.metadata': [
    'Replaces what discovery says, or adds what it lacks.',
    { jwks_uri: 'https://idp.example.com/keys' },
  ],
  'issuers.*.metadata.jwks_uri': ['Where its keys are.', 'https://idp.example.com/keys'],
  'issuers.*.metadata.introspection_endpoint': ['RFC 7662.', 'https://idp.example.com/introspect'],
  'issuers.*.metadata.revocation_endpoint': [
    'RFC 7009; for the app.',
    'https://idp.example.com/revoke',
  ],
  'issuers.*.metadata.authorization_endpoint': [
    'For the app.',
    'https://idp.example.com/authorize',
  ],
  'issuers.*.metadata.token_endpoint': ['For the app.', 'https://idp.example.com/token'],
  'issuers.*.metadata.device_authorization_endpoint': [
    'RFC 8628; for the app.',
    'https://idp.example.com/device',
  ],
  'issuers.*.metadata.end_session_endpoint': ['For the app.', 'https://idp.example.com/logout'],
  'issuers.*.desktop': [
    'How the Latchkey app signs people in; the app learns it from the relay.',
    { clientId: 'latchkey-desktop', scopes: ['openid', 'offline_access'] },
  ],
  'issuers.*.desktop.clientId': ['The public client id of the app.', 'latchkey-desktop'],
  'issuers.*.desktop.scopes': ['The scopes that it asks for.', ['openid', 'offline_access']],
  'issuers.*.desktop.authorizationParameters': [
    'More parameters of the authorization request.',
    { prompt: 'consent' },
  ],
  'issuers.*.desktop.redirectUri': [
    'The loopback address registered for the app, without a port.',
    'http://127.0.0.1/callback',
  ],
  'issuers.*.desktop.redirectPorts': [
    'The only ports to try, for providers that compare ports.',
    [53_682],
  ],
};

/** The meaning of each key, but for those of `apis`; `*` is any name or position. */
export const keyTexts: Readonly<Record<string, KeyText>> = {
  ...relay,
  ...auditKeyTexts,
  ...managementKeyTexts,
  ...telemetryKeyTexts,
  ...sinkKeyTexts,
  ...anomalyKeyTexts,
  ...issuers,
};
