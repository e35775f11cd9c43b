/** A sink's key that is wrong for its type. */
export interface SinkFault {
  readonly key: string;
  readonly message: string;
}

interface Kind {
  readonly needs: readonly string[];
  readonly takes: readonly string[];
  readonly formats: readonly string[];
}

const COMMON = ['name', 'type', 'format', 'from', 'apis', 'decisions', 'kinds', 'batch', 'timeout'];
const TEXTS = ['jsonl', 'ocsf', 'cef'];
const HTTP = ['tls', 'headers', 'headerFiles'];

const KINDS: Readonly<Record<string, Kind>> = {
  syslog: {
    needs: ['address'],
    takes: ['tls', 'transport', 'facility', 'confirm'],
    formats: [...TEXTS, 'structured'],
  },
  webhook: { needs: ['url'], takes: [...HTTP, 'bearerFile', 'body', 'secretFile'], formats: TEXTS },
  splunk: {
    needs: ['url', 'tokenFile'],
    takes: [...HTTP, 'index', 'source', 'sourcetype'],
    formats: TEXTS,
  },
  otlp: { needs: ['url'], takes: [...HTTP, 'bearerFile'], formats: TEXTS },
  file: { needs: ['path'], takes: ['rotate'], formats: ['jsonl', 'csv', 'ocsf', 'cef'] },
};

interface Sink {
  readonly type: string;
  readonly format: string;
  readonly transport?: string | undefined;
  readonly body?: string | undefined;
  readonly tls?: object | undefined;
}

function combinations(sink: Sink): SinkFault[] {
  const { transport, format, body, tls } = sink;
  const faults: SinkFault[] = [];
  if (body === 'array' && format === 'cef')
    faults.push({ key: 'body', message: 'must be ndjson with `format: cef`, which is no JSON' });
  if (transport === 'tcp' && tls !== undefined)
    faults.push({ key: 'tls', message: 'has no effect with `transport: tcp`; remove one of them' });
  const { certFile, keyFile } = (tls ?? {}) as { certFile?: unknown; keyFile?: unknown };
  if ((certFile === undefined) !== (keyFile === undefined))
    faults.push({ key: 'tls', message: 'needs both of `certFile` and `keyFile`, or neither' });
  return faults;
}

/**
 * Checks that a sink has the keys that its type needs, and no others.
 *
 * @param sink of a known type
 * @returns a fault each
 */
export function sinkFaults(sink: Sink): SinkFault[] {
  const kind = KINDS[sink.type];
  if (kind === undefined) return [];
  const { needs, takes, formats } = kind;
  const present = Object.entries(sink).flatMap(([key, value]) =>
    value === undefined ? [] : [key],
  );
  const known = new Set([...COMMON, ...needs, ...takes]);
  const missing = needs.filter((key) => !present.includes(key));
  return [
    ...missing.map((key) => ({ key, message: `is needed by type ${sink.type}` })),
    ...present
      .filter((key) => !known.has(key))
      .map((key) => ({
        key,
        message: `does not belong to type ${sink.type}, which takes ${[...needs, ...takes].join(', ')}`,
      })),
    ...(formats.includes(sink.format)
      ? []
      : [{ key: 'format', message: `must be ${formats.join(', ')} with type ${sink.type}` }]),
    ...combinations(sink),
  ];
}
