import { credentialsKeyTexts } from './credentials-key-texts.ts';
import type { KeyText } from './key-texts.ts';
import { DURATION } from './value-texts.ts';

const conditions: Readonly<Record<string, KeyText>> = {
  methods: ['The methods that it is about; any when left out.', ['GET', 'HEAD']],
  paths: [
    'The paths that it is about, relative to the path of the API; `*` is one segment, `/**` at the end any rest. Any when left out.',
    ['/invoices', '/invoices/**'],
  ],
  scopes: ['The token must have all of these scopes.', ['billing.read']],
  anyScope: ['The token must have one of these scopes.', ['billing.read', 'billing.write']],
  roles: ['The person must have one of these roles.', ['accountant']],
  groups: ['The person must be in one of these groups.', ['finance']],
  clients: ['The token must have been issued to one of these clients.', ['latchkey-desktop']],
  claims: [
    'Each of these claims must equal the value, or one of the values.',
    { department: ['finance', 'audit'] },
  ],
  from: ['The request must come from one of these networks.', ['10.0.0.0/8']],
  acr: [
    'The sign-in must have had one of these strengths; otherwise the app asks for it (RFC 9470).',
    ['mfa'],
  ],
  maxAge: [`The sign-in must be no older; otherwise the app asks for it. ${DURATION}`, '15m'],
  when: [
    'A CEL expression over claims, request.{method,path,query,headers} and now. An absent claim makes the rule not hold.',
    'claims.department == "finance"',
  ],
};

const ofRule = (effect: 'allow' | 'deny'): Record<string, KeyText> =>
  Object.fromEntries(
    Object.entries(conditions).map(([name, text]) => [`apis.*.rules.*.${effect}.${name}`, text]),
  );

const ofRate = (path: string): Record<string, KeyText> => ({
  [`${path}.requests`]: ['How many at once, and again in each `per`.', 100],
  [`${path}.per`]: [`In what time. ${DURATION}`, '1s'],
  [`${path}.by`]: ['Whose requests share it.', 'user'],
});

/** The meaning of each key below `apis`. */
export const apiKeyTexts: Readonly<Record<string, KeyText>> = {
  apis: [
    'The internal APIs by name: lower-case letters, digits and -.',
    { billing: { upstream: 'https://10.0.0.5:9001' } },
  ],
  'apis.*': ['One internal API.', { upstream: 'https://10.0.0.5:9001' }],
  'apis.*.title': ['Its name for people.', 'Billing'],
  'apis.*.description': ['What it is for.', 'Invoices and payments'],
  'apis.*.docs': ['Where its documentation is.', 'https://wiki.example.com/billing'],
  'apis.*.path': [
    'Its public path; the longest one that a request begins with wins. Default: / and its name.',
    '/billing',
  ],
  'apis.*.stripPath': ['Whether that path is removed before the request goes on.', false],
  'apis.*.hosts': [
    'Names that tools may go on using through the local proxy of the app.',
    ['billing.internal.example.com'],
  ],
  'apis.*.upstream': [
    'Where the API is: an origin or a Unix socket, or several; each request goes to the one with the fewest open.',
    'https://10.0.0.5:9001',
    'unix:/run/billing.sock',
    ['https://10.0.0.5:9001', 'https://10.0.0.6:9001'],
  ],
  'apis.*.rules': [
    'Who may do what. The first rule that holds decides; when none does, the request is refused.',
    [{ name: 'read', allow: { methods: ['GET'], scopes: ['billing.read'] } }],
  ],
  'apis.*.rules.*.name': ['Names the rule in the audit and in explain.', 'read'],
  'apis.*.rules.*.allow': [
    'Lets the request through when all of this holds.',
    { scopes: ['billing.read'] },
  ],
  'apis.*.rules.*.deny': ['Refuses the request when all of this holds.', { methods: ['DELETE'] }],
  ...ofRule('allow'),
  ...ofRule('deny'),
  'apis.*.request': [
    'What the API gets in place of what the tool sent.',
    { removeHeaders: ['Cookie'] },
  ],
  'apis.*.request.setHeaders': [
    'Fields to set; {claims.NAME} is replaced, and the field left out where the claim is absent.',
    { 'X-User-Email': '{claims.email}' },
  ],
  'apis.*.request.removeHeaders': ['Fields to remove.', ['Cookie']],
  ...credentialsKeyTexts,
  'apis.*.request.passAuthorization': [
    'Whether the tool’s own Authorization reaches the API.',
    true,
  ],
  'apis.*.request.rewritePaths': [
    'Other paths for the API: the first `from` that fits gives way to `to`. Policy and audit see the path that was asked for.',
    [{ from: '/v1/**', to: '/api/2019/**' }],
  ],
  'apis.*.request.rewritePaths.*.from': ['As the paths of rules.', '/v1/**'],
  'apis.*.request.rewritePaths.*.to': ['With the same stars, in the same order.', '/api/2019/**'],
  'apis.*.request.setQuery': [
    'Query parameters to set; {claims.NAME} is replaced, and the parameter left out where the claim is absent.',
    { tenant: '{claims.tenant}' },
  ],
  'apis.*.request.removeQuery': [
    'Query parameters to remove, however they are written.',
    ['debug'],
  ],
  'apis.*.request.assertion': [
    'Whether the API gets a signed statement of who is calling, in X-Latchkey-Assertion.',
    true,
  ],
  'apis.*.response': [
    'What the tool gets in place of what the API sent.',
    { removeHeaders: ['Server'] },
  ],
  'apis.*.response.setHeaders': ['Fields to set.', { 'X-Frame-Options': 'DENY' }],
  'apis.*.response.removeHeaders': ['Fields to remove.', ['Server', 'X-Powered-By']],
  'apis.*.response.rewriteLocation': [
    'Whether Location with the name of the API is given its public name.',
    false,
  ],
  'apis.*.response.rewriteCookies': [
    'Whether Path and Domain of cookies are given their public values.',
    false,
  ],
  'apis.*.upstreamTls': [
    'TLS towards the API, beyond the trust of the system.',
    { caFile: 'ca.pem', serverName: 'billing.internal' },
  ],
  'apis.*.upstreamTls.caFile': [
    'PEM of the authorities believed in place of those of the system. A path relative to the directory of relay.yaml.',
    'ca.pem',
  ],
  'apis.*.upstreamTls.serverName': [
    'The name in the certificate, where it is not that of the URL.',
    'billing.internal',
  ],
  'apis.*.health': [
    'Asks each address at intervals whether it is well; 2xx is.',
    { path: '/health', interval: '5s' },
  ],
  'apis.*.health.path': ['What is asked for, on the address itself.', '/health'],
  'apis.*.health.interval': [`How often. ${DURATION}`, '5s'],
  'apis.*.health.timeout': [`How long the answer may take. ${DURATION}`, '2s'],
  'apis.*.health.unhealthyAfter': ['After how many bad answers in a row it is left alone.', 2],
  'apis.*.health.healthyAfter': ['After how many good answers in a row it is used again.', 2],
  'apis.*.balancing': [
    'How requests are spread over the addresses.',
    { slowStart: '10s', breaker: { failures: 5, open: '10s' }, resolve: '30s' },
  ],
  'apis.*.balancing.slowStart': [
    `Over how long a recovered address takes on its full share. ${DURATION}`,
    '10s',
  ],
  'apis.*.balancing.breaker': [
    'When an address that fails is left alone.',
    { failures: 5, open: '10s' },
  ],
  'apis.*.balancing.breaker.failures': ['After how many failed exchanges in a row.', 5],
  'apis.*.balancing.breaker.open': [`For how long, before it is tried again. ${DURATION}`, '10s'],
  'apis.*.balancing.resolve': [`How often names are resolved anew. ${DURATION}`, '30s'],
  'apis.*.retries': [
    'How many further addresses or connections a request may try, where that cannot have it carried out twice.',
    1,
  ],
  'apis.*.streams': ['What becomes of streams.', { graceful: '30s' }],
  'apis.*.streams.graceful': [`How long one may go on after its token ended. ${DURATION}`, '30s'],
  'apis.*.cors': [
    'Which web pages may call the API through the relay. Without it none may.',
    { origins: ['https://app.example.com'] },
  ],
  'apis.*.cors.origins': ['Their exact origins; * for any.', ['https://app.example.com']],
  'apis.*.cors.methods': ['What they may ask with.', ['GET', 'POST']],
  'apis.*.cors.headers': ['Which fields they may send beside the harmless ones.', ['X-Tenant']],
  'apis.*.cors.exposeHeaders': ['Which fields of the answer they may read.', ['X-Total']],
  'apis.*.cors.credentials': ['Whether cookies and the like go along. Never with *.', true],
  'apis.*.cors.maxAge': [`How long browsers may remember this. ${DURATION}`, '5m'],
  'apis.*.limits': ['Bounds for requests to this API.', { body: '10MB' }],
  'apis.*.limits.body': ['The largest body. A size such as 64KB or 10MB; powers of 1024.', '10MB'],
  'apis.*.limits.rate': [
    'An allowance, or a list of them; beyond it the answer is 429.',
    { requests: 100, per: '1s', by: 'user' },
  ],
  ...ofRate('apis.*.limits.rate'),
  ...ofRate('apis.*.limits.rate.*'),
  'apis.*.limits.concurrent': ['How many exchanges may be open at once.', 50],
  'apis.*.timeouts': ['How long the API may take.', { connect: '3s', headers: '30s', idle: '60s' }],
  'apis.*.timeouts.connect': [`To accept a connection. ${DURATION}`, '3s'],
  'apis.*.timeouts.headers': [`To begin its answer. ${DURATION}`, '30s'],
  'apis.*.timeouts.idle': [`To say anything more; event streams may be silent. ${DURATION}`, '60s'],
  'apis.*.timeouts.total': [
    `For the whole exchange; without it there is no bound. ${DURATION}`,
    '5m',
  ],
  'apis.*.audit': ['How this API is audited.', { required: true, query: ['page'] }],
  'apis.*.audit.required': ['false: requests go on even where they cannot be recorded.', false],
  'apis.*.audit.retention': [
    `How long this API's records are kept; without it as long as all others. ${DURATION}`,
    '90d',
  ],
  'apis.*.audit.query': [
    'Names of query parameters that may be recorded; others are dropped.',
    ['page'],
  ],
};
