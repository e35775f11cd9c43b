import type { KeyText } from './key-texts.ts';
import { FILE } from './value-texts.ts';

/** The meaning of each key of `telemetry`. */
export const telemetryKeyTexts: Readonly<Record<string, KeyText>> = {
  telemetry: [
    'What of its work the relay tells a collector. Without it there are no traces.',
    { traces: { url: 'https://collector.example.com/v1/traces' } },
  ],
  'telemetry.serviceName': ['The `service.name` of its spans.', 'latchkey-relay'],
  'telemetry.traces': [
    'OpenTelemetry spans of requests: one of the relay, one for each try at an API.',
    { url: 'https://collector.example.com/v1/traces', ratio: 0.1 },
  ],
  'telemetry.traces.url': [
    'Where spans are posted (OTLP over HTTP, JSON), the whole address.',
    'https://collector.example.com/v1/traces',
  ],
  'telemetry.traces.ratio': [
    'The share of requests that are recorded, from 0 to 1, where the caller has not decided.',
    0.1,
  ],
  'telemetry.traces.headerFiles': [
    'Header fields that the collector wants, such as an API key, each with the file that holds its value.',
    { Authorization: 'collector-authorization.txt' },
  ],
  'telemetry.traces.headerFiles.*': [
    `The file with the value. ${FILE} It must not be readable by others (chmod 600).`,
    'collector-key.txt',
  ],
  'telemetry.traces.caFile': [
    `PEM of the authorities believed in place of the system's. ${FILE}`,
    'collector-ca.pem',
  ],
  'telemetry.traces.paths': [
    "Whether spans tell each request's path (never its query). A path may name people.",
    true,
  ],
};
