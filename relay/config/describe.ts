import { stringify } from 'yaml';
import type {
  ApiConfig,
  ClientAuthentication,
  IssuerConfig,
  RelayConfig,
  UpstreamCredentials,
} from './config.ts';

const MASK = '********';
const TELLING = /authorization|cookie|token|secret|password|key|credential/i;

function maskedCredentials(credentials: UpstreamCredentials): UpstreamCredentials {
  if (credentials.kind === 'basic') return { ...credentials, password: MASK };
  if (credentials.kind === 'bearer') return { ...credentials, token: MASK };
  return { ...credentials, value: MASK };
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
      ...(credentials ? { credentials: maskedCredentials(credentials) } : {}),
    },
    response: { ...api.response, setHeaders: maskedHeaders(api.response.setHeaders) },
  };
}

function maskedIssuer(issuer: IssuerConfig): IssuerConfig {
  const { introspection } = issuer;
  if (introspection === undefined) return issuer;
  const { authentication } = introspection;
  const masked: ClientAuthentication =
    authentication.kind === 'client_secret_basic'
      ? { ...authentication, secret: MASK }
      : { ...authentication, key: MASK };
  return { ...issuer, introspection: { ...introspection, authentication: masked } };
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
    },
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
}
