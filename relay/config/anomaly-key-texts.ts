import type { KeyText } from './key-texts.ts';
import { DURATION, FILE } from './value-texts.ts';

const AFTER = `How long a person must be known before it says anything. ${DURATION} At least 1d.`;
const PER = `In what time. ${DURATION}`;

const keys: Readonly<Record<string, KeyText>> = {
  timezone: ['Whose hours and weekdays people keep.', 'Europe/Berlin'],
  quiet: [`One alert a rule and person, or address, in this time. ${DURATION}`, '1h'],
  denials: ['Too many refusals of one person; off for no such rule.', { allowed: 20, per: '60s' }],
  'denials.allowed': ['How many are no anomaly.', 20],
  'denials.per': [PER, '60s'],
  sourceDenials: [
    'Too many refusals from one address, whoever asks; off for no such rule.',
    { allowed: 100, per: '60s' },
  ],
  'sourceDenials.allowed': ['How many are no anomaly.', 100],
  'sourceDenials.per': [PER, '60s'],
  tokenReplay: [
    'Tokens shown from one address without the key that they are bound to; off for no such rule.',
    { allowed: 2, per: '10m' },
  ],
  'tokenReplay.allowed': ['How many are no anomaly.', 2],
  'tokenReplay.per': [PER, '10m'],
  newTool: ['A tool that a person has not used before; off for no such rule.', { after: '14d' }],
  'newTool.after': [AFTER, '14d'],
  newNetwork: [
    'A network (IPv4 /24, IPv6 /48) that a person has not come from before; off for no such rule.',
    { after: '14d' },
  ],
  'newNetwork.after': [AFTER, '14d'],
  volume: [
    "Many more requests in an hour than the person's average for that hour of the week; off for no such rule.",
    { factor: 5, minimum: 300, after: '14d' },
  ],
  'volume.factor': ['How many times the average is no anomaly.', 5],
  'volume.minimum': ['So many in an hour never are one.', 300],
  'volume.after': [AFTER, '14d'],
  unusualHour: [
    'Activity on a weekday, or more than an hour from a time of day, without any in 28 days; off for no such rule.',
    { after: '14d' },
  ],
  'unusualHour.after': [AFTER, '14d'],
  webhook: [
    'Whom anomalies are told, beside the audit and the metrics. Each is one signed POST (Standard Webhooks).',
    { url: 'https://alerts.example.com/latchkey', secretFile: 'webhook-secret' },
  ],
  'webhook.url': [
    'Where to post. Redirects are not followed.',
    'https://alerts.example.com/latchkey',
  ],
  'webhook.secretFile': [
    `What posts are signed with (HMAC-SHA-256). ${FILE} The file must not be readable by others (chmod 600).`,
    'webhook-secret',
  ],
  'webhook.caFile': [
    `PEM of the authorities to trust in place of those of the system. ${FILE}`,
    'ca.pem',
  ],
  'webhook.timeout': [`How long the receiver may take. ${DURATION}`, '10s'],
};

/** The meaning of each key of `anomalies`. */
export const anomalyKeyTexts: Readonly<Record<string, KeyText>> = {
  anomalies: [
    'What the relay finds unusual in its audit, and whom it tells; off for none of it.',
    { timezone: 'Europe/Berlin', unusualHour: 'off' },
    'off',
  ],
  ...Object.fromEntries(Object.entries(keys).map(([name, text]) => [`anomalies.${name}`, text])),
};
