import type { IncomingMessage } from 'node:http';
import { isRelayed } from '../wire/methods.ts';
import { canonicalTarget, type Target } from '../wire/target.ts';
import { RelayError } from './errors.ts';
import type { HostCheck } from './hosts.ts';

/**
 * The refusal of a method that goes to no API.
 *
 * @param method the request's
 * @returns `method`
 */
export const notRelayed = (method: string): RelayError =>
  new RelayError('method', `${method} is not relayed; use another method.`);

/**
 * Reads what a request asks for, as far as this relay answers such requests at all.
 *
 * @param request the message as node:http parsed it
 * @param limits `urlBytes`: the longest target accepted
 * @param checkHost which hosts it may name
 * @returns the canonical target
 * @throws {ambiguous_target} {bad_request} {url_too_long} {wrong_host} {method}
 */
export function readTarget(
  request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  limits: { readonly urlBytes: number },
  checkHost: HostCheck,
): Target {
  const target = canonicalTarget(request, limits);
  checkHost(target.authority);
  if (!isRelayed(target)) throw notRelayed(target.method);
  return target;
}
