import { resolve } from 'node:path';
import type { AuditFormat } from '../../audit/formats/names.ts';
import { present, secretOf, type SecretContents } from './build-parts.ts';
import type {
  FileSinkConfig,
  SinkConfig,
  SinkTls,
  SplunkSinkConfig,
  SyslogSinkConfig,
  WebhookSinkConfig,
} from './sink-config.ts';
import type { SinkFile } from './sink-schema.ts';

/** The check of the types has seen to it. */
function given<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new Error(`a sink's ${key} was not checked`);
  return value;
}

function tlsOf({ tls = {} }: SinkFile, secrets: SecretContents): SinkTls {
  const { caFile, certFile, keyFile, serverName } = tls;
  return present({
    ca: caFile && secretOf(secrets, caFile),
    certificate: certFile && secretOf(secrets, certFile),
    key: keyFile && secretOf(secrets, keyFile),
    serverName,
  });
}

function headersOf(file: SinkFile, secrets: SecretContents): Record<string, string> {
  const { headers = {}, headerFiles = {}, bearerFile } = file;
  return {
    ...headers,
    ...Object.fromEntries(
      Object.entries(headerFiles).map(([name, path]) => [name, secretOf(secrets, path)]),
    ),
    ...(bearerFile && { authorization: `Bearer ${secretOf(secrets, bearerFile)}` }),
  };
}

function commonOf(file: SinkFile) {
  const { name, from, apis = [], decisions = [], kinds = [], batch, timeout } = file;
  return {
    name,
    from,
    filter: { apis, decisions, kinds },
    batch: { records: batch.records, bytes: batch.size, delayMs: batch.delay },
    timeoutMs: timeout,
  };
}

function httpOf(file: SinkFile, secrets: SecretContents) {
  return {
    ...commonOf(file),
    url: given(file.url, 'url'),
    tls: tlsOf(file, secrets),
    headers: headersOf(file, secrets),
    format: file.format as Exclude<AuditFormat, 'csv'>,
  };
}

function syslogOf(file: SinkFile, secrets: SecretContents): SyslogSinkConfig {
  return {
    ...commonOf(file),
    type: 'syslog',
    ...given(file.address, 'address'),
    transport: file.transport ?? 'tls',
    tls: tlsOf(file, secrets),
    format: file.format as SyslogSinkConfig['format'],
    // Log audit (RFC 5424 table 1).
    facility: file.facility ?? 13,
    confirm: file.confirm ?? 'close',
  };
}

function webhookOf(file: SinkFile, secrets: SecretContents): WebhookSinkConfig {
  const { body = 'ndjson', secretFile } = file;
  return {
    ...httpOf(file, secrets),
    type: 'webhook',
    body,
    ...(secretFile && { secret: secretOf(secrets, secretFile) }),
  };
}

function splunkOf(file: SinkFile, secrets: SecretContents): SplunkSinkConfig {
  const { source = 'latchkey-relay', sourcetype = 'latchkey:audit', index } = file;
  return {
    ...httpOf(file, secrets),
    type: 'splunk',
    token: secretOf(secrets, given(file.tokenFile, 'tokenFile')),
    source,
    sourcetype,
    ...(index && { index }),
  };
}

function fileOf(file: SinkFile, directory: string): FileSinkConfig {
  const { size: bytes = 100 * 1024 ** 2, keep = 10 } = file.rotate ?? {};
  return {
    ...commonOf(file),
    type: 'file',
    path: resolve(directory, given(file.path, 'path')),
    format: file.format as AuditFormat,
    rotate: { bytes, keep },
  };
}

/**
 * Makes what ships the audit out of a block without faults.
 *
 * @param file one of `audit.sinks`
 * @param directory of the configuration file
 * @param secrets what its files hold
 * @returns the sink
 */
export function sinkOf(file: SinkFile, directory: string, secrets: SecretContents): SinkConfig {
  const { type } = file;
  switch (type) {
    case 'syslog':
      return syslogOf(file, secrets);
    case 'webhook':
      return webhookOf(file, secrets);
    case 'splunk':
      return splunkOf(file, secrets);
    case 'otlp':
      return { ...httpOf(file, secrets), type };
    case 'file':
      return fileOf(file, directory);
    default:
      return type satisfies never;
  }
}
