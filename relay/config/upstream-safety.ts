import { isLoopbackHost, parseHttpUrl } from './addresses.ts';
import type { RawFault } from './document.ts';
import { headerKey } from './headers.ts';
import { type ValuePath, select, selectText } from './select.ts';

const has = (values: unknown, pattern: string): boolean => select(values, pattern).length > 0;
const upstreamsOf = (values: unknown, api: string) => [
  ...selectText(values, `${api}.upstream`),
  ...selectText(values, `${api}.upstream.*`),
];

/** Two sources of one header would leave it to chance which the API sees. */
function credentialHeaders(values: unknown): readonly RawFault[] {
  return select(values, 'apis.*.request').flatMap(({ path }) => {
    const request = path.join('.');
    const credentials = `${request}.credentials`;
    const takesAuthorization = [
      'basic',
      'bearerFile',
      'awsSigV4',
      'clientCredentials',
      'tokenExchange',
    ].some((kind) => has(values, `${credentials}.${kind}`));
    const names = new Set(
      [
        ...selectText(values, `${credentials}.header.name`).map(({ value }) => value),
        ...(takesAuthorization ? ['Authorization'] : []),
      ].map(headerKey),
    );
    const isTaken = (name: string): boolean =>
      names.has(name) || (has(values, `${credentials}.awsSigV4`) && name.startsWith('x-amz-'));
    const pass = select(values, `${request}.passAuthorization`).filter(
      ({ value }) => value === true && isTaken('authorization'),
    );
    const set = select(values, `${request}.setHeaders.*`).filter(({ path }) =>
      isTaken(headerKey(String(path.at(-1)))),
    );
    return [...pass, ...set].map(({ path }) => ({
      path,
      message: 'conflicts with `credentials`, which set the same header; keep one',
      atKey: true,
    }));
  });
}

/** What is shown or asked in a TLS handshake is lost where there is none. */
function tlsWithoutHttps(values: unknown): readonly RawFault[] {
  return ['upstreamTls', 'request.credentials.clientCertificate'].flatMap((key) =>
    select(values, `apis.*.${key}`).flatMap(({ path }) => {
      const plain = upstreamsOf(values, `apis.${String(path[1])}`).some(
        ({ value }) => !value.startsWith('https://'),
      );
      return plain
        ? [{ path, message: 'needs https for every `upstream`; one is not', atKey: true }]
        : [];
    }),
  );
}

/** A secret or a caller's token goes there. */
function tokenEndpoints(values: unknown): readonly RawFault[] {
  if (select(values, 'insecure.plainIssuer').some(({ value }) => value === true)) return [];
  return ['clientCredentials', 'tokenExchange']
    .flatMap((kind) => selectText(values, `apis.*.request.credentials.${kind}.tokenEndpoint`))
    .filter(({ value }) => {
      const url = parseHttpUrl(value);
      return url?.protocol === 'http:' && !isLoopbackHost(url.hostname);
    })
    .map(({ path }) => ({
      path,
      message: 'is plain http beyond this machine; use https, or set insecure.plainIssuer',
    }));
}

function queries(values: unknown): readonly RawFault[] {
  return select(values, 'apis.*.request.setQuery.*')
    .filter(({ path }) =>
      selectText(values, `apis.${String(path[1])}.request.removeQuery.*`).some(
        ({ value }) => value === path.at(-1),
      ),
    )
    .map(({ path }) => ({
      path,
      message: 'is in `removeQuery` as well; what is set replaces what came anyway, so keep this',
      atKey: true,
    }));
}

const at = (path: ValuePath, message: string): RawFault => ({ path, message });

/** Whoever may write the header says where a connection comes from. */
function proxyProtocol(values: unknown): readonly RawFault[] {
  if (has(values, 'trustedProxies.*')) return [];
  return select(values, 'proxyProtocol')
    .filter(({ value }) => value === true)
    .map(({ path }) =>
      at(path, 'needs `trustedProxies`: only from them may a connection come that begins so'),
    );
}

/**
 * Checks across keys what goes to APIs, and what comes through load balancers.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function upstreamFaults(values: unknown): readonly RawFault[] {
  return [credentialHeaders, tlsWithoutHttps, tokenEndpoints, queries, proxyProtocol].flatMap(
    (check) => check(values),
  );
}
