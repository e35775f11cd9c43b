import { stringify } from 'yaml';
import type { ApiConfig, RelayConfig, UpstreamCredentials } from './config.ts';

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

/**
 * Writes the effective configuration, defaults applied and units spelled out, for people to read.
 *
 * @param config a loaded configuration
 * @returns YAML; secrets, and headers whose names tell of secrets, are masked
 */
export function describeConfig(config: RelayConfig): string {
  return stringify(
    { ...config, apis: config.apis.map(maskedApi) },
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
}
