import { z } from 'zod';

const seconds = z.number().min(0).max(600);
const port = z.number().int().min(0).max(65_535);

const origin = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.origin === text && url.origin !== 'null';
}, 'must be an origin such as https://tools.example.com');

const relayUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && local);
  return safe && url.pathname === '/' && !url.search && !url.hash && !url.username;
}, 'must be an address such as https://relay.example.com');

/**
 * Every key that settings and policy may set (CONTRACTS section 7), flat, with the value that holds
 * when nobody set it or what was set is bad: always the safer one.
 */
export const keys = {
  relays: {
    schema: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(100),
          url: relayUrl,
          port: port.min(1).exactOptional(),
        }),
      )
      .max(20),
    fallback: [],
  },
  port: { schema: port, fallback: 5390 },
  apis: { schema: z.record(z.string(), z.strictObject({ port })), fallback: {} },
  launchAtLogin: { schema: z.boolean(), fallback: false },
  'signIn.auto': { schema: z.boolean(), fallback: true },
  'signIn.waitSeconds': { schema: seconds, fallback: 20 },
  'guard.requireToolKeys': { schema: z.boolean(), fallback: false },
  'guard.allowedOrigins': { schema: z.array(origin).max(100), fallback: [] },
  'guard.otherUsers': { schema: z.boolean(), fallback: false },
  'tokens.store': { schema: z.enum(['sealed', 'memory']), fallback: 'sealed' },
  'audit.retentionDays': { schema: z.number().int().min(1).max(3650), fallback: 400 },
  'audit.export': { schema: z.boolean(), fallback: true },
  'updates.mode': { schema: z.enum(['auto', 'notify', 'off']), fallback: 'notify' },
  'updates.url': { schema: z.url({ protocol: /^https$/ }).optional(), fallback: undefined },
  'network.proxy': {
    schema: z
      .string()
      .regex(
        /^(direct|(https?|pac\+(https?|file)):\/\/\S+)$/i,
        'must be direct, http://host:port, https://host:port or pac+https://host/file',
      )
      .optional(),
    fallback: undefined,
  },
  'network.caFile': { schema: z.string().min(1).optional(), fallback: undefined },
  'managedBy.name': { schema: z.string().min(1).max(200).optional(), fallback: undefined },
  'managedBy.help': { schema: z.string().min(1).max(500).optional(), fallback: undefined },
  'log.level': { schema: z.enum(['error', 'warn', 'info', 'debug']), fallback: 'info' },
} as const;

/** The name of one setting. */
export type SettingKey = keyof typeof keys;

/** The type of one setting's value. */
export type SettingValue<K extends SettingKey> = z.infer<(typeof keys)[K]['schema']>;

/** Keys that this version reads and does not act on yet: setting one is told, never passed over. */
export const withoutEffect: ReadonlySet<SettingKey> = new Set([
  'launchAtLogin',
  'updates.mode',
  'updates.url',
  'managedBy.name',
  'managedBy.help',
]);

/** The value that a bad one is replaced by where it is stricter than the default. */
export const saferWhenBad: { readonly [K in SettingKey]?: SettingValue<K> } = {
  'guard.requireToolKeys': true,
  'tokens.store': 'memory',
  'audit.export': false,
  'signIn.auto': false,
  // No proxy at all would lead around the one that was meant: calls are refused, with the reason.
  'network.proxy': 'not-understood://',
};

/**
 * Spreads `{signIn: {auto: true}}` to `signIn.auto`, so that each key stands alone.
 *
 * @param document a parsed settings or policy file
 * @returns key and raw value; unknown keys included, so that they can be named
 */
export function flatten(document: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(document)) {
    const nested = Object.keys(keys).some((key) => key.startsWith(`${name}.`));
    if (!nested) flat.set(name, value);
    else if (isObject(value)) {
      for (const [inner, deep] of Object.entries(value)) flat.set(`${name}.${inner}`, deep);
    } else flat.set(name, value);
  }
  return flat;
}

/**
 * Tells whether a value is a plain JSON object.
 *
 * @param value anything parsed from JSON
 * @returns true for an object that is no array and not null
 */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
