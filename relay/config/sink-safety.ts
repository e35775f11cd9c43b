import { isLoopbackHost, parseHttpUrl } from './addresses.ts';
import type { RawFault } from './document.ts';
import { headerKey } from './headers.ts';
import { select, selectText, type ValuePath } from './select.ts';

const at = (path: ValuePath, message: string, atKey = false): RawFault => ({
  path,
  message,
  ...(atKey ? { atKey } : {}),
});

/** An audit names people: only what this machine itself can reach may get it without TLS. */
function plain(values: unknown): readonly RawFault[] {
  if (select(values, 'insecure.plainSink').some(({ value }) => value === true)) return [];
  const urls = selectText(values, 'audit.sinks.*.url').filter(({ value }) => {
    const url = parseHttpUrl(value);
    return url?.protocol === 'http:' && !isLoopbackHost(url.hostname);
  });
  const addresses = selectText(values, 'audit.sinks.*.address').filter(({ path, value }) => {
    const transport = select(values, `${path.slice(0, -1).join('.')}.transport`)[0]?.value;
    return transport === 'tcp' && !isLoopbackHost(value.replace(/:[0-9]+$/, ''));
  });
  return [
    ...urls.map(({ path }) =>
      at(path, 'is plain http beyond this machine; use https, or set insecure.plainSink'),
    ),
    ...addresses.map(({ path }) =>
      at(
        path,
        'is spoken to without TLS beyond this machine; use transport tls, or set insecure.plainSink',
      ),
    ),
  ];
}

function doubles(values: unknown, key: string, message: string): readonly RawFault[] {
  const seen = new Set<string>();
  return selectText(values, `audit.sinks.*.${key}`).flatMap(({ path, value }) => {
    const again = seen.has(value);
    seen.add(value);
    return again ? [at(path, message)] : [];
  });
}

/** Set by the relay itself; a second one would leave it to chance which counts. */
const OWNED = new Set([
  'content-type',
  'user-agent',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
]);

function headers(values: unknown): readonly RawFault[] {
  return select(values, 'audit.sinks.*').flatMap(({ path }) => {
    const sink = path.join('.');
    const seen = new Set<string>(OWNED);
    const hasCredential = ['bearerFile', 'tokenFile'].some(
      (key) => select(values, `${sink}.${key}`).length > 0,
    );
    if (hasCredential) seen.add('authorization');
    return ['headers', 'headerFiles'].flatMap((key) =>
      select(values, `${sink}.${key}.*`).flatMap(({ path: where }) => {
        const name = headerKey(String(where.at(-1)));
        const again = seen.has(name);
        seen.add(name);
        return again ? [at(where, 'is set already, by the relay or above; keep one', true)] : [];
      }),
    );
  });
}

/**
 * Checks across keys where the audit is shipped to.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function sinkSafetyFaults(values: unknown): readonly RawFault[] {
  return [
    ...plain(values),
    ...doubles(values, 'name', 'is the name of a sink above; each needs its own'),
    ...doubles(values, 'path', 'is written by a sink above; give each its own file'),
    ...headers(values),
  ];
}
