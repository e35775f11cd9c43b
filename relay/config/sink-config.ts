import type { AuditFormat } from '../../audit/formats/names.ts';
import type { AuditKind } from '../../audit/record.ts';

/** How a sink is spoken to over TLS; PEM. */
export interface SinkTls {
  /** In place of the system's authorities. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name that the sink's certificate must have, where it is not the address's. */
  readonly serverName?: string;
}

interface Common {
  /** Names its cursor, its dead letters and its figures. */
  readonly name: string;
  /** Where a sink begins that was never shipped to. */
  readonly from: 'beginning' | 'now';
  /** Empty lists let everything pass. */
  readonly filter: {
    readonly apis: readonly string[];
    readonly decisions: readonly ('allow' | 'deny')[];
    readonly kinds: readonly AuditKind[];
  };
  readonly batch: {
    readonly records: number;
    readonly bytes: number;
    /** How long a record may wait for others. */
    readonly delayMs: number;
  };
  /** For one delivery. */
  readonly timeoutMs: number;
}

/** Syslog: RFC 5424 messages, framed by RFC 5425. */
export interface SyslogSinkConfig extends Common {
  readonly type: 'syslog';
  readonly host: string;
  readonly port: number;
  readonly transport: 'tls' | 'tcp';
  readonly tls: SinkTls;
  /** `structured`: the record's members as structured data. */
  readonly format: Exclude<AuditFormat, 'csv'> | 'structured';
  /** 0 to 23. */
  readonly facility: number;
  /** `close`: a batch is delivered when the receiver has closed its connection in order. */
  readonly confirm: 'close' | 'written';
}

interface HttpCommon extends Common {
  readonly url: string;
  readonly tls: SinkTls;
  /** Credentials among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Any HTTP endpoint. */
export interface WebhookSinkConfig extends HttpCommon {
  readonly type: 'webhook';
  readonly format: Exclude<AuditFormat, 'csv'>;
  readonly body: 'ndjson' | 'array';
  /** Signs each request. */
  readonly secret?: string;
}

/** Splunk's HTTP Event Collector. */
export interface SplunkSinkConfig extends HttpCommon {
  readonly type: 'splunk';
  readonly format: Exclude<AuditFormat, 'csv'>;
  readonly token: string;
  readonly index?: string;
  readonly source: string;
  readonly sourcetype: string;
}

/** OpenTelemetry logs over HTTP, in JSON. */
export interface OtlpSinkConfig extends HttpCommon {
  readonly type: 'otlp';
  readonly format: Exclude<AuditFormat, 'csv'>;
}

/** A file of one's own that others may read. */
export interface FileSinkConfig extends Common {
  readonly type: 'file';
  readonly format: AuditFormat;
  /** Absolute. */
  readonly path: string;
  readonly rotate: { readonly bytes: number; readonly keep: number };
}

/** Where the audit is shipped to. */
export type SinkConfig =
  SyslogSinkConfig | WebhookSinkConfig | SplunkSinkConfig | OtlpSinkConfig | FileSinkConfig;
