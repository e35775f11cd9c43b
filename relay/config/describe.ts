import { stringify } from 'yaml';
import type { ApiConfig, UpstreamCredentials } from './api-config.ts';
import type {
  AnomalyConfig,
  ClientAuthentication,
  IssuerConfig,
  ManagementConfig,
  RelayConfig,
  TelemetryConfig,
} from './config.ts';
import { maskedSink } from './describe-sinks.ts';

const MASK = '********';
const TELLING = /authorization|cookie|token|secret|password|key|credential/i;

type SignInAuthentication = NonNullable<NonNullable<ManagementConfig['signIn']>['authentication']>;

function maskedAuthentication(authentication: ClientAuthentication): ClientAuthentication;
function maskedAuthentication(authentication: SignInAuthentication): SignInAuthentication;
function maskedAuthentication(authentication: SignInAuthentication): SignInAuthentication {
  return 'secret' in authentication
    ? { ...authentication, secret: MASK }
    : { ...authentication, key: MASK };
}

function maskedCredentials(credentials: UpstreamCredentials): UpstreamCredentials {
  switch (credentials.kind) {
    case 'basic':
      return { ...credentials, password: MASK };
    case 'bearer':
      return { ...credentials, token: MASK };
    case 'header':
      return { ...credentials, value: MASK };
    case 'clientCertificate':
      return { ...credentials, key: MASK };
    case 'awsSigV4': {
      const { sessionToken } = credentials;
      const masked = { ...credentials, secretAccessKey: MASK };
      return sessionToken === undefined ? masked : { ...masked, sessionToken: MASK };
    }
    case 'clientCredentials':
    case 'tokenExchange': {
      const { endpoint } = credentials;
      const authentication = maskedAuthentication(endpoint.authentication);
      return { ...credentials, endpoint: { ...endpoint, authentication } };
    }
    default:
      return credentials satisfies never;
  }
}

function maskedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, TELLING.test(name) ? MASK : value]),
  );
}

function maskedApi(api: ApiConfig): ApiConfig {
  const { credentials, setHeaders } = api.request;
  return {
    ...api,
    request: {
      ...api.request,
      setHeaders: maskedHeaders(setHeaders),
      setQuery: maskedHeaders(api.request.setQuery),
      ...(credentials ? { credentials: maskedCredentials(credentials) } : {}),
    },
    response: { ...api.response, setHeaders: maskedHeaders(api.response.setHeaders) },
  };
}

function maskedIssuer(issuer: IssuerConfig): IssuerConfig {
  const { introspection } = issuer;
  if (introspection === undefined) return issuer;
  const authentication = maskedAuthentication(introspection.authentication);
  return { ...issuer, introspection: { ...introspection, authentication } };
}

function maskedManagement(management: ManagementConfig): ManagementConfig {
  const { signIn } = management;
  if (signIn?.authentication === undefined) return management;
  const authentication = maskedAuthentication(signIn.authentication);
  return { ...management, signIn: { ...signIn, authentication } };
}

function maskedTelemetry(telemetry: TelemetryConfig): TelemetryConfig {
  const { traces } = telemetry;
  const headers = Object.fromEntries(Object.keys(traces.headers).map((name) => [name, MASK]));
  return { ...telemetry, traces: { ...traces, headers } };
}

function maskedAnomalies(anomalies: AnomalyConfig): AnomalyConfig {
  const { webhook } = anomalies;
  return webhook === undefined
    ? anomalies
    : { ...anomalies, webhook: { ...webhook, secret: MASK } };
}

function maskedState(state: RelayConfig['state']): RelayConfig['state'] {
  if (state.kind === 'memory') return state;
  const url = new URL(state.url);
  if (url.password !== '') url.password = MASK;
  return { ...state, url: url.href };
}

/**
 * Writes the effective configuration, defaults applied and units spelled out, for people to read.
 *
 * @param config a loaded configuration
 * @returns YAML; secrets, and headers whose names tell of secrets, are masked
 */
export function describeConfig(config: RelayConfig): string {
  return stringify(
    {
      ...config,
      issuers: config.issuers.map(maskedIssuer),
      apis: config.apis.map(maskedApi),
      state: maskedState(config.state),
      audit: { ...config.audit, sinks: config.audit.sinks.map((sink) => maskedSink(sink, MASK)) },
      ...(config.management && { management: maskedManagement(config.management) }),
      ...(config.telemetry && { telemetry: maskedTelemetry(config.telemetry) }),
      ...(config.anomalies && { anomalies: maskedAnomalies(config.anomalies) }),
      ...(config.assertionKeys && { assertionKeys: config.assertionKeys.map(() => MASK) }),
    },
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
}
