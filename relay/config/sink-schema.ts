import { z } from 'zod';
import { FORMATS } from '../../audit/formats/names.ts';
import { AUDIT_KINDS } from '../../audit/record.ts';
import { isHost } from './addresses.ts';
import {
  checked,
  duration,
  headerName,
  headerValue,
  httpUrl,
  parsed,
  size,
  some,
  text,
} from './leaves.ts';
import { sinkFaults } from './sink-kinds.ts';

const name = checked((value) =>
  /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(value)
    ? undefined
    : 'must be 1 to 32 lower-case letters, digits and -, since it names files',
);

const word = checked((value) =>
  /^[\x21-\x7e]{1,256}$/.test(value) ? undefined : 'must be visible ASCII without spaces',
);

const address = parsed('host:port or [IPv6]:port, port from 1', (value) => {
  const [, host = '', digits] = /^(\[[^\]]+\]|[^:]+):([0-9]{1,5})$/.exec(value.toLowerCase()) ?? [];
  const port = Number(digits);
  if (!isHost(host) || !(port >= 1 && port <= 65_535)) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
});

const whole = (least: number, most: number) =>
  z
    .int('must be a whole number')
    .min(least, `must be ${least} or more`)
    .max(most, `must be at most ${most}`);

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);

/** One of `audit.sinks`; which keys belong to which type is checked beside the shape. */
export const sinkSchema = z
  .strictObject({
    name,
    type: oneOf(['syslog', 'webhook', 'splunk', 'otlp', 'file']),
    format: oneOf([...FORMATS, 'structured']).default('jsonl'),
    from: oneOf(['beginning', 'now']).default('beginning'),
    apis: some(text).optional(),
    decisions: some(oneOf(['allow', 'deny'])).optional(),
    kinds: some(z.enum(AUDIT_KINDS)).optional(),
    batch: z
      .strictObject({
        records: whole(1, 10_000).default(500),
        size: size(1024, 16 * 1024 ** 2).prefault('1MB'),
        delay: duration(0, 3_600_000).prefault('1s'),
      })
      .prefault({}),
    timeout: duration(100, 600_000).prefault('10s'),
    tls: z
      .strictObject({
        caFile: text.optional(),
        certFile: text.optional(),
        keyFile: text.optional(),
        serverName: text.optional(),
      })
      .optional(),
    address: address.optional(),
    transport: oneOf(['tls', 'tcp']).optional(),
    facility: whole(0, 23).optional(),
    confirm: oneOf(['close', 'written']).optional(),
    url: httpUrl.optional(),
    headers: z.record(headerName, headerValue).optional(),
    headerFiles: z.record(headerName, text).optional(),
    bearerFile: text.optional(),
    body: oneOf(['ndjson', 'array']).optional(),
    secretFile: text.optional(),
    tokenFile: text.optional(),
    index: word.optional(),
    source: word.optional(),
    sourcetype: word.optional(),
    path: text.optional(),
    rotate: z
      .strictObject({
        size: size(64 * 1024, 1024 ** 4).prefault('100MB'),
        keep: whole(1, 1000).default(10),
      })
      .optional(),
  })
  .check((context) => {
    for (const { key, message } of sinkFaults(context.value))
      context.issues.push({ code: 'custom', message, input: context.value, path: [key] });
  });

/** What {@link sinkSchema} makes of a sink without faults. */
export type SinkFile = z.output<typeof sinkSchema>;
