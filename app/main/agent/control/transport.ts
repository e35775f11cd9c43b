import type { IncomingMessage } from 'node:http';
import type { AgentErrorCode } from '../errors.ts';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { controlVersion, versionHeader } from './address.ts';

/** What a refusal looks like on the control socket. */
export const remoteFault = z.object({ code: z.string(), message: z.string() });

/** One call through the control socket. */
export interface ControlCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** How long the answer's first byte, and each next one, may take, in ms; without end when left out. */
  readonly timeoutMs?: number;
}

/**
 * Sends a call to the running agent.
 *
 * @param address as from `controlAddress`
 * @param call what to ask
 * @returns the answer, not read yet
 * @throws {AgentError} `not_running`
 */
export function open(address: string, call: ControlCall): Promise<IncomingMessage> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath: address,
      method: call.method,
      path: call.path,
      agent: false,
      headers: {
        [versionHeader]: controlVersion,
        host: 'control',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.timeoutMs === undefined ? {} : { timeout: call.timeoutMs }),
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error) => reject(notRunning(error)));
    request.once('response', resolve);
    request.end(body);
  });
}

/**
 * Reads an answer of one JSON value.
 *
 * @param response the answer
 * @returns the value
 * @throws {AgentError} what the agent refused with, or `bad_usage` when it is of another version
 */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const body: unknown = JSON.parse(await text(response));
  if (response.headers[versionHeader] !== controlVersion) {
    throw new AgentError(
      'bad_usage',
      'The running Latchkey is of another version than this command. Restart Latchkey.',
    );
  }
  if (response.statusCode === 200) return body;
  throw remoteError(remoteFault.parse(body));
}

/**
 * Turns a refusal of the agent into an error of this process.
 *
 * @param fault as received
 * @returns the error
 */
export function remoteError(fault: z.infer<typeof remoteFault>): AgentError {
  // The other end is of the same version (handshake), so its codes are ours.
  return new AgentError(fault.code as AgentErrorCode, fault.message);
}

function notRunning(error: Error): AgentError {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new AgentError(
      'not_running',
      'Latchkey is not running. Start the app, or run `latchkey agent --relay https://…`.',
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new AgentError('not_running', 'This Latchkey belongs to another user of this computer.');
  }
  return new AgentError('not_running', 'Latchkey does not answer. Restart it.', { cause: error });
}
