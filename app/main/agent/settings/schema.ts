import { z } from 'zod';
import { hasCredentials } from './help-address.ts';

const seconds = z.number().min(0).max(600);
const port = z.number().int().min(0).max(65_535);
const onOrOff = { schema: z.boolean(), allowed: 'true or false' } as const;

const origin = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.origin === text && url.origin !== 'null';
}, 'an origin such as https://tools.example.com, without a path');

const relayUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && local);
  return safe && url.pathname === '/' && !url.search && !url.hash && !url.username;
}, 'an address such as https://relay.example.com, without a path, query or name (by http only on this computer)');

/**
 * Every key that settings and policy may set (CONTRACTS section 7), flat, with the value that holds
 * when nobody set it or what was set is bad: always the safer one. `allowed` says after "must be" what a
 * file may set.
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
    allowed: 'at most 20 relays such as {"name": "Acme", "url": "https://relay.example.com"}',
  },
  port: {
    schema: port,
    fallback: 5390,
    allowed: 'a whole number from 0 to 65535, where 0 takes any free port',
  },
  apis: {
    // Of any free port nobody would know which one it is.
    schema: z.record(z.string(), z.strictObject({ port: port.min(1) })),
    fallback: {},
    allowed: 'ports of APIs from 1 to 65535 such as {"billing": {"port": 5391}}',
  },
  launchAtLogin: { ...onOrOff, fallback: false },
  'signIn.auto': { ...onOrOff, fallback: true },
  'signIn.waitSeconds': {
    schema: seconds,
    fallback: 20,
    allowed: 'a number of seconds from 0 to 600',
  },
  'guard.requireToolKeys': { ...onOrOff, fallback: false },
  'guard.allowedOrigins': {
    schema: z.array(origin).max(100),
    fallback: [],
    allowed: 'at most 100 origins such as https://tools.example.com, without a path',
  },
  'guard.otherUsers': { ...onOrOff, fallback: false },
  'tokens.store': {
    schema: z.enum(['sealed', 'memory']),
    fallback: 'sealed',
    allowed: 'sealed or memory',
  },
  'audit.retentionDays': {
    schema: z.number().int().min(1).max(3650),
    fallback: 400,
    allowed: 'a whole number of days from 1 to 3650',
  },
  'audit.export': { ...onOrOff, fallback: true },
  'updates.mode': {
    schema: z.enum(['auto', 'notify', 'off']),
    fallback: 'notify',
    allowed: 'auto, notify or off',
  },
  'updates.url': {
    schema: z.url({ protocol: /^https$/ }).optional(),
    fallback: undefined,
    allowed: 'an address such as https://updates.example.com',
  },
  'network.proxy': {
    schema: z
      .string()
      .regex(/^(direct|(https?|pac\+(https?|file)):\/\/\S+)$/i)
      .optional(),
    fallback: undefined,
    allowed: 'direct, http://host:port, https://host:port or pac+https://host/file',
  },
  'network.caFile': {
    schema: z.string().min(1).optional(),
    fallback: undefined,
    allowed: 'the path of a PEM file',
  },
  'managedBy.name': {
    schema: z.string().trim().min(1).max(200).optional(),
    fallback: undefined,
    allowed: 'a text of 1 to 200 characters',
  },
  'managedBy.help': {
    schema: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .refine((text) => !hasCredentials(text), 'an address without a name and password in it')
      .optional(),
    fallback: undefined,
    allowed: 'an address (https: or mailto:) or another text, of 1 to 500 characters',
  },
  'log.level': {
    schema: z.enum(['error', 'warn', 'info', 'debug']),
    fallback: 'info',
    allowed: 'error, warn, info or debug',
  },
} as const;

/** The name of one setting. */
export type SettingKey = keyof typeof keys;

/** The type of one setting's value. */
export type SettingValue<K extends SettingKey> = z.infer<(typeof keys)[K]['schema']>;

/** Keys that this version reads and does not act on yet: setting one is told, never passed over. */
export const withoutEffect: ReadonlySet<SettingKey> = new Set(['updates.mode', 'updates.url']);

/** Keys that only IT's policy sets: nobody claims in their own settings to be managed. */
export const policyOnly: ReadonlySet<SettingKey> = new Set(['managedBy.name', 'managedBy.help']);

/**
 * The settings that can open, reveal or lose something, with the value that a bad one is replaced by. While a file
 * cannot be read at all, these hold.
 */
const saferWhenBad: { readonly [K in SettingKey]?: SettingValue<K> } = {
  'guard.requireToolKeys': true,
  'guard.allowedOrigins': [],
  'guard.otherUsers': false,
  'tokens.store': 'memory',
  // Records that are gone do not come back; those kept too long go as soon as the file is good again.
  'audit.retentionDays': 3650,
  'audit.export': false,
  'signIn.auto': false,
  // No proxy at all would lead around the one that was meant: calls are refused, with the reason.
  'network.proxy': 'not-understood://',
  'network.caFile': undefined,
};

/**
 * Tells whether one value of a setting is safer than others.
 *
 * @param key the setting
 * @returns true where {@link saferValue} is more than the default
 */
export function hasSaferValue(key: SettingKey): boolean {
  return Object.hasOwn(saferWhenBad, key);
}

/**
 * Tells what holds in place of a bad value.
 *
 * @param key the setting
 * @returns the safer value, or the default where none is safer
 */
export function saferValue(key: SettingKey): unknown {
  return hasSaferValue(key) ? saferWhenBad[key] : keys[key].fallback;
}

/**
 * Spreads `{signIn: {auto: true}}` to `signIn.auto`, so that each key stands alone.
 *
 * @param document a parsed settings or policy file
 * @returns key and raw value; unknown keys included, so that they can be named
 */
export function flatten(document: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(document)) {
    if (isGroup(name) && isObject(value)) {
      for (const [inner, deep] of Object.entries(value)) flat.set(`${name}.${inner}`, deep);
    } else flat.set(name, value);
  }
  return flat;
}

/**
 * Tells whether a name stands for several settings.
 *
 * @param name `signIn`, as at the top of a file
 * @returns true where there are keys below it
 */
export function isGroup(name: string): boolean {
  return Object.keys(keys).some((key) => key.startsWith(`${name}.`));
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
