import type { Check, CheckContext, Found } from './check.ts';

const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
const local = ['localhost', '127.0.0.1'];

/** Would tools send their requests for localhost through a proxy? */
export const proxyVariablesCheck: Check = {
  name: 'proxy-variables',
  todo: 'Add localhost and 127.0.0.1 to NO_PROXY, so that tools reach Latchkey and not the proxy.',
  run: checkProxyVariables,
};

function checkProxyVariables({ env }: CheckContext): Found {
  const set = names
    .flatMap((name) => [name, name.toLowerCase()])
    .flatMap((name) => (env[name] ? [{ name, host: hostOf(env[name]) }] : []));
  if (set.length === 0) return { outcome: 'ok', detail: 'no proxy is set in the environment' };
  const told = set.map(({ name, host }) => `${name} is ${host}`).join(', ');
  // Tools sent to Latchkey as their proxy (`latchkey env`) need no exception.
  if (set.every(({ host }) => isLoopback(host))) return { outcome: 'ok', detail: told };
  const exceptions = `${env['NO_PROXY'] ?? ''},${env['no_proxy'] ?? ''}`;
  const missing = local.filter((host) => !covers(exceptions, host));
  if (missing.length === 0) return { outcome: 'ok', detail: `${told}; NO_PROXY covers localhost` };
  return { outcome: 'warn', detail: `${told}; NO_PROXY lacks ${missing.join(' and ')}` };
}

/**
 * Names a proxy without the credentials that its address may carry.
 *
 * @param value of the variable
 * @returns host and port
 */
function hostOf(value: string): string {
  const text = value.includes('://') ? value : `http://${value}`;
  return URL.canParse(text) ? new URL(text).host : 'not an address';
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host);
}

/**
 * Tells whether a NO_PROXY list names a host.
 *
 * @param list entries, by comma or space
 * @param host `localhost` or `127.0.0.1`
 * @returns true when requests for it go past the proxy
 */
function covers(list: string, host: string): boolean {
  return list
    .toLowerCase()
    .split(/[,\s]+/)
    .map((entry) => entry.replace(/:\d+$/, '').replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || entry === host || (isV4(host) && /^127\..*\/8$/.test(entry)));
}

function isV4(host: string): boolean {
  return host.startsWith('127.');
}
