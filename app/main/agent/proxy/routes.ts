import type { Target } from '../../../../wire/target.ts';
import { AgentError } from '../errors.ts';
import type { ApiInfo } from '../status.ts';
import type { LocalHost } from './guard.ts';

/**
 * Finds the relay's path for a request to the local port: path mode keeps the path, name mode puts
 * the named API's path in front.
 *
 * @param host how the port was addressed
 * @param target the canonical target
 * @param apis what the signed-in person may use
 * @returns the canonical path to ask the relay for, and the API's name where it is known
 * @throws {AgentError} `unknown_api`
 */
export function relayPath(
  host: LocalHost,
  target: Target,
  apis: readonly ApiInfo[],
): { readonly path: string; readonly api: string | undefined } {
  if (host.kind === 'api') {
    const api = apis.find((candidate) => candidate.name === host.name);
    if (api === undefined) throw unknownApi(host.name, apis);
    return { path: api.path + target.path, api: api.name };
  }
  const api = apis.find(({ path }) => target.path === path || target.path.startsWith(`${path}/`));
  return { path: target.path, api: api?.name };
}

function unknownApi(name: string, apis: readonly ApiInfo[]): AgentError {
  const known = apis.map((api) => `${api.name}.localhost`).join(', ');
  return new AgentError(
    'unknown_api',
    known === ''
      ? `There is no API named ${name} that you may use.`
      : `There is no API named ${name} that you may use. There are: ${known}.`,
  );
}
