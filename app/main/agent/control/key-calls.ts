import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { NewToolKey, ToolKeysPort } from '../proxy/tool-key.ts';
import { AgentError } from '../errors.ts';
import { beginLines, line, send } from './answers.ts';
import { readBody } from './body.ts';
import type { ControlTarget } from './target.ts';

const names = z.array(z.string().max(100)).min(1).max(100).exactOptional();
const newKey = z.strictObject({
  name: z.string().max(256),
  apis: names,
  methods: names,
  readOnly: z.boolean().exactOptional(),
  expiresInMs: z.number().exactOptional(),
}) satisfies z.ZodType<NewToolKey>;

/** One call about keys. */
export type KeyCall =
  { readonly kind: 'list' | 'add' | 'lend' } | { readonly kind: 'revoke'; readonly key: string };

/**
 * Recognises a call about keys.
 *
 * @param method of the request
 * @param path of the request
 * @returns the call, or `undefined` when it is about something else
 */
export function readKeyCall(method: string | undefined, path: string): KeyCall | undefined {
  switch (`${method} ${path}`) {
    case 'GET /keys':
      return { kind: 'list' };
    case 'POST /keys':
      return { kind: 'add' };
    case 'POST /lend':
      return { kind: 'lend' };
    default:
  }
  const named = method === 'DELETE' ? /^\/keys\/([^/]+)$/.exec(path)?.[1] : undefined;
  if (named === undefined) return undefined;
  try {
    return { kind: 'revoke', key: decodeURIComponent(named) };
  } catch {
    return undefined;
  }
}

/**
 * Carries out a call about keys.
 *
 * @param call from `readKeyCall`
 * @param request its body, for `add` and `lend`
 * @param response the answer
 * @param target whose keys, and where they open what
 * @throws {AgentError} `bad_usage`, `bad_settings`, `not_running`, `unknown_key`
 */
export async function serveKeyCall(
  call: KeyCall,
  request: IncomingMessage,
  response: ServerResponse,
  target: ControlTarget,
): Promise<void> {
  const { keys } = target;
  switch (call.kind) {
    case 'list':
      return send(response, keys.list());
    case 'add':
      return send(response, keys.add(await readBody(request, newKey)));
    case 'revoke':
      return send(response, keys.revoke(call.key));
    case 'lend':
      return lend(keys, await readBody(request, newKey), response, target);
  }
}

/** The key lives as long as this connection: whoever borrowed it cannot forget to give it back. */
function lend(
  keys: ToolKeysPort,
  options: NewToolKey,
  response: ServerResponse,
  target: ControlTarget,
): void {
  const { localUrl, status, apis, profiles } = target.snapshot();
  if (localUrl === undefined) {
    throw new AgentError('not_running', 'Latchkey has no local port yet. Try again.');
  }
  if (response.destroyed) return;
  const { key, secret, end } = keys.lend(options);
  response.once('close', end);
  beginLines(response);
  line(response, { key, secret, localUrl, status, apis, profiles });
}
