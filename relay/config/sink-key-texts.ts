import type { KeyText } from './key-texts.ts';
import { DURATION, FILE, SECRET, SIZE } from './value-texts.ts';

const keys: Readonly<Record<string, KeyText>> = {
  name: [
    'Names its cursor, its dead letters and its figures: lower-case letters, digits and -.',
    'siem',
  ],
  type: [
    'syslog: RFC 5424 over TLS. webhook: any HTTP endpoint. splunk: its HTTP Event Collector. otlp: OpenTelemetry logs over HTTP. file: a file that grows.',
    'syslog',
  ],
  format: [
    'How each record is written. csv is for files, structured (all members as structured data) for syslog.',
    'ocsf',
  ],
  from: ['Where a sink begins that was never shipped to.', 'now'],
  apis: ['Only records about these APIs.', ['billing']],
  decisions: ['Only records with one of these decisions.', ['deny']],
  kinds: ['Only records of these kinds.', ['request', 'outcome', 'sign-out']],
  batch: ['How much is delivered at once.', { records: 500, size: '1MB', delay: '1s' }],
  'batch.records': ['The most records.', 500],
  'batch.size': [`The most bytes, about. ${SIZE}`, '1MB'],
  'batch.delay': [`How long a record may wait for others. ${DURATION}`, '1s'],
  timeout: [`How long a delivery may take. ${DURATION}`, '10s'],
  tls: ['How the sink is known, and what it is shown.', { caFile: 'siem-ca.pem' }],
  'tls.caFile': [
    `PEM of the authorities to trust in place of those of the system. ${FILE}`,
    'ca.pem',
  ],
  'tls.certFile': [`PEM of the certificate that the sink is shown. ${FILE}`, 'relay.crt'],
  'tls.keyFile': [`PEM of its private key. ${SECRET}`, 'relay.key'],
  'tls.serverName': [
    'The name in the certificate of the sink, where it is not that of its address.',
    'siem.example.com',
  ],
  address: ['Of syslog: host and port of the receiver.', 'siem.example.com:6514'],
  transport: ['Of syslog: tcp is for receivers on this machine.', 'tls'],
  facility: ['Of syslog: the facility, 0 to 23; 13 is log audit.', 13],
  confirm: [
    'Of syslog, which answers nothing. close: a batch is delivered when the receiver has closed the connection in order. written: when the system has taken it; what is on its way as a receiver dies is lost.',
    'close',
  ],
  url: [
    'Of webhook, splunk and otlp: where to post. Redirects are not followed.',
    'https://siem.example.com/ingest',
  ],
  headers: ['Of webhook, splunk and otlp: further fields.', { 'X-Tenant': 'acme' }],
  'headers.*': ['The value of one field.', 'acme'],
  headerFiles: [
    `Of webhook, splunk and otlp: fields whose values are secrets. ${SECRET}`,
    { 'X-Api-Key': 'api-key.txt' },
  ],
  'headerFiles.*': [`The file with the value. ${SECRET}`, 'api-key.txt'],
  bearerFile: [`Of webhook and otlp: a token for Authorization. ${SECRET}`, 'siem-token.txt'],
  body: ['Of webhook: a record a line, or one JSON array.', 'array'],
  secretFile: [
    `Of webhook: signs each request with HMAC-SHA-256, as Standard Webhooks do. ${SECRET}`,
    'webhook-secret.txt',
  ],
  tokenFile: [`Of splunk: the token of the collector. ${SECRET}`, 'hec-token.txt'],
  index: ['Of splunk: the index. Default: the one of the token.', 'security'],
  source: ['Of splunk: the source.', 'latchkey-relay'],
  sourcetype: ['Of splunk: the source type.', 'latchkey:audit'],
  path: [`Of file: where to write; only its owner can read it. ${FILE}`, './audit-export.jsonl'],
  rotate: ['Of file: when a new one is begun.', { size: '100MB', keep: 10 }],
  'rotate.size': [`How large a file grows. ${SIZE}`, '100MB'],
  'rotate.keep': ['How many older files are kept.', 10],
};

/** The meaning of each key below `audit.sinks`. */
export const sinkKeyTexts: Readonly<Record<string, KeyText>> = {
  'audit.sinks': [
    'Where the audit is shipped to, besides being kept.',
    [{ name: 'siem', type: 'syslog', address: 'siem.example.com:6514' }],
  ],
  ...Object.fromEntries(Object.entries(keys).map(([key, text]) => [`audit.sinks.*.${key}`, text])),
};
