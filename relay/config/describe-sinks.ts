import type { SinkConfig, SinkTls } from './sink-config.ts';

function maskedTls(tls: SinkTls, mask: string): SinkTls {
  return tls.key === undefined ? tls : { ...tls, key: mask };
}

/**
 * Hides what a sink is shown or signs with.
 *
 * @param sink as built
 * @param mask in place of secrets; each header's value is one, since it may have come from a file
 * @returns the sink, for people to read
 */
export function maskedSink(sink: SinkConfig, mask: string): SinkConfig {
  switch (sink.type) {
    case 'file':
      return sink;
    case 'syslog':
      return { ...sink, tls: maskedTls(sink.tls, mask) };
    case 'webhook':
    case 'splunk':
    case 'otlp': {
      const headers = Object.fromEntries(Object.keys(sink.headers).map((name) => [name, mask]));
      const masked = { ...sink, headers, tls: maskedTls(sink.tls, mask) };
      if (masked.type === 'splunk') return { ...masked, token: mask };
      if (masked.type === 'webhook' && masked.secret !== undefined)
        return { ...masked, secret: mask };
      return masked;
    }
    default:
      return sink satisfies never;
  }
}
