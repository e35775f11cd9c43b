import type { AuditPage } from '../../../../audit/query.ts';
import type { MadeToolKey, NewToolKey, ToolKey } from '../proxy/tool-key.ts';
import type { AgentSnapshot, ApiInfo } from '../status.ts';
import type { PolicyReport } from './target.ts';
import type { ControlCall } from './transport.ts';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { borrow, type Loan } from './loan.ts';
import { open, readJson, remoteError, remoteFault } from './transport.ts';

/** The command line's end of the control socket. */
export interface ControlClient {
  status(): Promise<AgentSnapshot>;
  /** Resolves when the sign-in is done; the person may need minutes. */
  login(onUrl: (url: string) => void): Promise<AgentSnapshot>;
  logout(): Promise<AgentSnapshot>;
  apis(): Promise<readonly ApiInfo[]>;
  activity(query: Readonly<Record<string, string>>): Promise<AuditPage>;
  keys(): Promise<readonly ToolKey[]>;
  addKey(options: NewToolKey): Promise<MadeToolKey>;
  revokeKey(idOrName: string): Promise<ToolKey>;
  /** A key that lives until its loan is ended, or this process is. */
  lend(options: NewToolKey): Promise<Loan>;
  policy(): Promise<PolicyReport>;
}

const answerMs = 30_000;

/**
 * Makes a client of the running agent.
 *
 * @param address as from `controlAddress`
 * @returns the client; each call throws `AgentError` `not_running` when nobody listens there
 */
export function createControlClient(address: string): ControlClient {
  const call = async <T>(
    method: ControlCall['method'],
    path: string,
    body?: unknown,
  ): Promise<T> => {
    const response = await open(address, { method, path, body, timeoutMs: answerMs });
    return (await readJson(response)) as T;
  };
  return {
    status: () => call('GET', '/status'),
    logout: () => call('POST', '/logout'),
    apis: () => call('GET', '/apis'),
    activity: (query) => call('GET', `/activity?${new URLSearchParams(query).toString()}`),
    keys: () => call('GET', '/keys'),
    addKey: (options) => call('POST', '/keys', options),
    revokeKey: (idOrName) => call('DELETE', `/keys/${encodeURIComponent(idOrName)}`),
    lend: (options) => borrow(address, options),
    policy: () => call('GET', '/policy'),
    async login(onUrl) {
      const response = await open(address, { method: 'POST', path: '/login' });
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

const loginEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('sign-in-url'), url: z.string() }),
  remoteFault.extend({ event: z.literal('failed') }),
  z.object({ event: z.literal('done'), snapshot: z.unknown() }),
]);
