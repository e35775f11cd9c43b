import { isLoopbackHost, parseCidr, parseHttpUrl, parseListen } from './addresses.ts';
import type { InsecureName } from './config.ts';
import type { RawFault } from './document.ts';
import { managementFaults } from './management-safety.ts';
import { type ValuePath, select, selectText } from './select.ts';
import { sinkSafetyFaults } from './sink-safety.ts';
import { upstreamFaults } from './upstream-safety.ts';

type Check = (values: unknown) => readonly RawFault[];

const isSet = (values: unknown, name: InsecureName): boolean =>
  select(values, `insecure.${name}`).some(({ value }) => value === true);
const has = (values: unknown, pattern: string): boolean => select(values, pattern).length > 0;

/** Only what this machine itself can reach may be spoken to without TLS. */
const listeners: Check = (values) => {
  if (isSet(values, 'plainHttp')) return [];
  const plain = [
    ...(has(values, 'tls') ? [] : ['listen', 'listen.*']),
    ...(has(values, 'management.tls') ? [] : ['management.listen']),
  ];
  return plain
    .flatMap((pattern) => selectText(values, pattern))
    .filter(({ value }) => {
      const address = parseListen(value);
      return address?.kind === 'tcp' && !isLoopbackHost(address.host);
    })
    .map(({ path }) => ({
      path,
      message:
        path[0] === 'listen'
          ? 'listens beyond this machine without TLS; add `tls`, listen on loopback or unix:/path, or set insecure.plainHttp'
          : 'listens beyond this machine without TLS; add `management.tls`, listen on loopback or unix:/path, or set insecure.plainHttp',
    }));
};

function plainUrls(patterns: readonly string[], optOut: InsecureName): Check {
  return (values) =>
    isSet(values, optOut)
      ? []
      : patterns
          .flatMap((pattern) => selectText(values, pattern))
          .filter(({ value }) => {
            const url = parseHttpUrl(value);
            return url?.protocol === 'http:' && !isLoopbackHost(url.hostname);
          })
          .map(({ path }) => ({
            path,
            message: `is plain http beyond this machine; use https, or set insecure.${optOut}`,
          }));
}

function duplicates(
  entries: readonly { readonly path: ValuePath; readonly value: string }[],
  message: string,
): readonly RawFault[] {
  const seen = new Set<string>();
  return entries.flatMap(({ path, value }) => {
    const again = seen.has(value);
    seen.add(value);
    return again ? [{ path, message }] : [];
  });
}

const apiPaths: Check = (values) => {
  const entries = select(values, 'apis.*').map(({ path }) => {
    const own = selectText(values, `apis.${String(path[1])}.path`)[0];
    return own ?? { path, value: `/${String(path[1])}` };
  });
  return duplicates(entries, 'has the path of an API above; give each its own');
};

const apiHosts: Check = (values) =>
  duplicates(
    selectText(values, 'apis.*.hosts.*').map(({ path, value }) => ({
      path,
      value: value.toLowerCase(),
    })),
    'this host is listed twice; a host leads to one API',
  );

const issuerNames: Check = (values) =>
  duplicates(selectText(values, 'issuers.*.issuer'), 'this issuer is there twice; keep one');

const listenersApart: Check = (values) =>
  duplicates(
    ['listen', 'listen.*', 'management.listen']
      .flatMap((pattern) => selectText(values, pattern))
      // Port 0 is another one each time.
      .filter(({ value }) => !value.endsWith(':0')),
    'is where a listener above already is; give each its own address or port',
  );

const ruleNames: Check = (values) =>
  select(values, 'apis.*').flatMap(({ path }) =>
    duplicates(
      selectText(values, `apis.${String(path[1])}.rules.*.name`),
      'this name is taken by a rule above; audit records need each its own',
    ),
  );

const audiences: Check = (values) =>
  has(values, 'publicUrl')
    ? []
    : select(values, 'issuers.*')
        .filter(({ path }) => !has(values, `${path.join('.')}.audience`))
        .map(({ path }) => ({
          path,
          message:
            'has no `audience`, and there is no publicUrl to take it from; set one of the two, or tokens made for others would be accepted',
        }));

const proxies: Check = (values) =>
  isSet(values, 'trustAnyProxy')
    ? []
    : selectText(values, 'trustedProxies.*')
        .filter(({ value }) => parseCidr(value)?.prefix === 0)
        .map(({ path }) => ({
          path,
          message:
            'trusts everybody to say where a request comes from; name the load balancers, or set insecure.trustAnyProxy',
        }));

const unixNeedsUrl: Check = (values) =>
  has(values, 'publicUrl')
    ? []
    : [...selectText(values, 'listen'), ...selectText(values, 'listen.0')]
        .filter(({ value }) => value.startsWith('unix:'))
        .map(({ path }) => ({ path, message: 'needs `publicUrl`, since a socket has no URL' }));

const introspection: Check = (values) => [
  ...select(values, 'issuers.*.tokens')
    .filter(({ path, value }) => {
      const issuer = path.slice(0, -1).join('.');
      return value === 'introspection' && !has(values, `${issuer}.introspection`);
    })
    .map(({ path }) => ({
      path,
      message: 'needs `introspection`, which says how the relay asks the issuer about tokens',
    })),
  ...select(values, 'issuers.*.introspection')
    .filter(({ path }) => {
      const tokens = select(values, `${path.slice(0, -1).join('.')}.tokens`)[0];
      return tokens?.value !== 'introspection';
    })
    .map(({ path }) => ({
      path,
      message: 'has no effect without `tokens: introspection`; add that, or remove this',
      atKey: true,
    })),
  ...select(values, 'issuers.*.tokens')
    .filter(({ value }) => value === 'introspection')
    .slice(1)
    .map(({ path }) => ({
      path,
      message:
        'is the second issuer of opaque tokens; these do not name their issuer, so a relay takes them from one only',
    })),
];

const idleNonce: Check = (values) =>
  select(values, 'issuers.*.dpop.nonce')
    .filter(({ path, value }) => {
      const mode = select(values, `${path.slice(0, -1).join('.')}.mode`)[0];
      return value === true && mode?.value === 'off';
    })
    .map(({ path }) => ({
      path,
      message: 'has no effect with `mode: off`; choose optional or required, or remove this',
      atKey: true,
    }));

const emptyAudience: Check = (values) =>
  select(values, 'issuers.*.audience')
    .filter(({ path, value }) => {
      const tokens = select(values, `${path.slice(0, -1).join('.')}.tokens`)[0];
      return Array.isArray(value) && value.length === 0 && tokens?.value !== 'introspection';
    })
    .map(({ path }) => ({
      path,
      message: 'must list at least one; only with `tokens: introspection` may it be empty',
    }));

const plainState: Check = (values) =>
  isSet(values, 'plainState')
    ? []
    : selectText(values, 'state.redis')
        .filter(({ value }) => {
          const url = URL.parse(value);
          return url?.protocol === 'redis:' && !isLoopbackHost(url.hostname);
        })
        .map(({ path }) => ({
          path,
          message:
            'is Redis without TLS beyond this machine; use rediss://, or set insecure.plainState',
        }));

/** A certificate in a field is worth as much as whoever wrote the field. */
const certificateHeader: Check = (values) =>
  has(values, 'trustedProxies.*')
    ? []
    : select(values, 'clientCertificateHeader').map(({ path }) => ({
        path,
        message: 'needs `trustedProxies`: only they are believed to have seen the certificate',
      }));

const ISSUER_URLS = [
  'issuers.*.issuer',
  'issuers.*.metadata.*',
  'issuers.*.introspection.endpoint',
  'management.signIn.issuer',
];
const checks: readonly Check[] = [
  listeners,
  plainUrls(ISSUER_URLS, 'plainIssuer'),
  plainUrls(['apis.*.upstream', 'apis.*.upstream.*'], 'plainUpstream'),
  plainUrls(['telemetry.traces.url'], 'plainTelemetry'),
  plainUrls(['anomalies.webhook.url'], 'plainSink'),
  apiPaths,
  listenersApart,
  apiHosts,
  issuerNames,
  ruleNames,
  audiences,
  proxies,
  unixNeedsUrl,
  upstreamFaults,
  introspection,
  idleNonce,
  emptyAudience,
  plainState,
  certificateHeader,
  managementFaults,
  sinkSafetyFaults,
];

/**
 * Checks what is unsafe or contradictory across keys; works on an unchecked tree, so that these
 * faults are told together with those of the schema.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function safetyFaults(values: unknown): readonly RawFault[] {
  return checks.flatMap((check) => check(values));
}
