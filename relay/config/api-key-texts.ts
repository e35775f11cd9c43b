import type { KeyText } from './key-texts.ts';

const DURATION = 'A duration such as 500ms, 30s, 15m, 24h or 400d.';
const SECRET =
  'A path relative to the directory of relay.yaml. The file must not be readable by others (chmod 600).';

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
    'Where the API is: an origin, or several that are used in turn.',
    'https://10.0.0.5:9001',
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
  'apis.*.request.credentials.header': [
    'A field with a secret.',
    { name: 'X-Api-Key', valueFile: 'k.txt' },
  ],
  'apis.*.request.credentials.header.name': ['The name of the field.', 'X-Api-Key'],
  'apis.*.request.credentials.header.valueFile': [SECRET, 'k.txt'],
  'apis.*.request.passAuthorization': [
    'Whether the tool’s own Authorization reaches the API.',
    true,
  ],
  'apis.*.response': [
    'What the tool gets in place of what the API sent.',
    { removeHeaders: ['Server'] },
  ],
  'apis.*.response.setHeaders': ['Fields to set.', { 'X-Frame-Options': 'DENY' }],
  'apis.*.response.removeHeaders': ['Fields to remove.', ['Server', 'X-Powered-By']],
  'apis.*.limits': ['Bounds for requests to this API.', { body: '10MB' }],
  'apis.*.limits.body': ['The largest body. A size such as 64KB or 10MB; powers of 1024.', '10MB'],
  'apis.*.timeouts': ['How long the API may take.', { connect: '3s', headers: '30s', idle: '60s' }],
  'apis.*.timeouts.connect': [`To accept a connection. ${DURATION}`, '3s'],
  'apis.*.timeouts.headers': [`To begin its answer. ${DURATION}`, '30s'],
  'apis.*.timeouts.idle': [`To say anything more; event streams may be silent. ${DURATION}`, '60s'],
  'apis.*.audit': ['How this API is audited.', { required: true, query: ['page'] }],
  'apis.*.audit.required': ['false: requests go on even where they cannot be recorded.', false],
  'apis.*.audit.query': [
    'Names of query parameters that may be recorded; others are dropped.',
    ['page'],
  ],
};
