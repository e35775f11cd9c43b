import type { KeyText } from './key-texts.ts';
import { DURATION, FILE } from './value-texts.ts';

/** The meaning of each key of `audit`, but for those of its sinks and of its watch for anomalies. */
export const auditKeyTexts: Readonly<Record<string, KeyText>> = {
  audit: [
    'The tamper-evident record of every request.',
    { dir: './data/audit', checkpoint: '60s' },
  ],
  'audit.dir': [`The directory of the audit. ${FILE}`, './data/audit'],
  'audit.keyFile': [
    `PEM of the Ed25519 key that signs checkpoints, made when it is missing. Without it the relay keeps one beside the directory. ${FILE}`,
    '/etc/latchkey/checkpoint.pem',
  ],
  'audit.retention': [
    `How long records are kept, unless an API says otherwise. ${DURATION}`,
    '400d',
  ],
  'audit.ip': [
    'How much of clients’ addresses is recorded: full; truncated, their network only (IPv4 /24, IPv6 /48); or none.',
    'truncated',
  ],
  'audit.checkpoint': [`How often a signed checkpoint is written. ${DURATION}`, '60s'],
  'audit.durability': [
    'What a record outlives before its request goes on: the end of the process, or the loss of power as well.',
    'process',
    'power',
  ],
};
