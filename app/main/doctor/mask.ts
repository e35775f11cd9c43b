import type { EffectiveSetting } from '../agent/settings/settings.ts';

const mark = '***';

/**
 * Hides the credentials in one text that may be an address.
 *
 * @param text a setting's value
 * @param options `query` hides what follows `?` or `#` as well
 * @returns the text, or the address with `***` in place of user and password
 */
export function maskAddress(text: string, options: { readonly query: boolean }): string {
  if (!URL.canParse(text)) return maskCredentials(text);
  const url = new URL(text);
  if (!url.username && !url.password && !(options.query && hasTail(url))) return text;
  if (options.query) {
    if (url.search) url.search = `?${mark}`;
    url.hash = '';
  }
  // Of all spellings that URL takes (`http:\\a:b@c`, `http:a:b@c`), `href` has the one that is found here.
  return maskCredentials(url.href);
}

/**
 * Hides user and password of every address within a text.
 *
 * @param text any text
 * @returns the text with `***` before each `@`
 */
export function maskCredentials(text: string): string {
  return text.replace(/([/\\]{2})[^/\\\s"'?#]+@/g, `$1${mark}@`);
}

/**
 * Hides what is secret in a setting.
 *
 * @param setting as it holds
 * @param options as for {@link maskAddress}
 * @returns the same setting, its texts masked
 */
export function maskSetting(
  setting: EffectiveSetting,
  options: { readonly query: boolean },
): EffectiveSetting {
  return { ...setting, value: maskDeep(setting.value, options) };
}

function maskDeep(value: unknown, options: { readonly query: boolean }): unknown {
  if (typeof value === 'string') return maskAddress(value, options);
  if (Array.isArray(value)) return value.map((item) => maskDeep(item, options));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, maskDeep(item, options)]),
  );
}

function hasTail(url: URL): boolean {
  return url.search !== '' || url.hash !== '';
}
