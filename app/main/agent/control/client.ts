import type { IncomingMessage } from 'node:http';
import type { AuditPage } from '../../../../audit/query.ts';
import type { AgentErrorCode } from '../errors.ts';
import type { AgentSnapshot, ApiInfo } from '../status.ts';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { controlVersion, versionHeader } from './address.ts';

/** The command line's end of the control socket. */
export interface ControlClient {
  status(): Promise<AgentSnapshot>;
  /** Resolves when the sign-in is done; the person may need minutes. */
  login(onUrl: (url: string) => void): Promise<AgentSnapshot>;
  logout(): Promise<AgentSnapshot>;
  apis(): Promise<readonly ApiInfo[]>;
  activity(query: Readonly<Record<string, string>>): Promise<AuditPage>;
}

const answerMs = 30_000;

/**
 * Makes a client of the running agent.
 *
 * @param address as from `controlAddress`
 * @returns the client; each call throws `AgentError` `not_running` when nobody listens there
 */
export function createControlClient(address: string): ControlClient {
  const call = async <T>(method: string, path: string): Promise<T> => {
    const response = await open(address, method, path, answerMs);
    return (await readJson(response)) as T;
  };
  return {
    status: () => call('GET', '/status'),
    logout: () => call('POST', '/logout'),
    apis: () => call('GET', '/apis'),
    activity: (query) => call('GET', `/activity?${new URLSearchParams(query).toString()}`),
    async login(onUrl) {
      const response = await open(address, 'POST', '/login', undefined);
      if (response.statusCode !== 200) await readJson(response);
      for await (const line of createInterface({ input: response })) {
        const event = loginEvent.parse(JSON.parse(line));
        if (event.event === 'sign-in-url') onUrl(event.url);
        else if (event.event === 'failed') throw remoteError(event);
        else return event.snapshot as AgentSnapshot;
      }
      throw new AgentError('not_running', 'Latchkey stopped during the sign-in. Start it again.');
    },
  };
}

const remoteFault = z.object({ code: z.string(), message: z.string() });
const loginEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('sign-in-url'), url: z.string() }),
  remoteFault.extend({ event: z.literal('failed') }),
  z.object({ event: z.literal('done'), snapshot: z.unknown() }),
]);

function remoteError(fault: z.infer<typeof remoteFault>): AgentError {
  // The other end is of the same version (handshake), so its codes are ours.
  return new AgentError(fault.code as AgentErrorCode, fault.message);
}

function open(
  address: string,
  method: string,
  path: string,
  timeoutMs: number | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath: address,
      method,
      path,
      agent: false,
      headers: { [versionHeader]: controlVersion, host: 'control' },
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error) => reject(notRunning(error)));
    request.once('response', resolve);
    request.end();
  });
}

async function readJson(response: IncomingMessage): Promise<unknown> {
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
