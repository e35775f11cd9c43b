import type { AuditPage } from '../../../../audit/query.ts';
import type { MadeToolKey, NewToolKey, ToolKey } from '../proxy/tool-key.ts';
import type { AgentSnapshot, ApiInfo, ProfileSnapshot } from '../status.ts';
import type { PolicyReport } from './target.ts';
import type { ControlCall } from './transport.ts';
import type { DeviceCode } from '../login/provider-device.ts';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { borrow, type Loan } from './loan.ts';
import { open, readJson, remoteError, remoteFault } from './transport.ts';

/** The command line's end of the control socket. */
export interface ControlClient {
  /** Of all profiles. */
  status(): Promise<AgentSnapshot>;
  profileStatus(profile: string): Promise<ProfileSnapshot>;
  /**
   * Resolves when the sign-in is done; the person may need minutes.
   *
   * @param tell with `onCode` the sign-in is by a code on another device
   * @param profile may be left out while there is one
   */
  login(tell: LoginListeners, profile?: string): Promise<AnySnapshot>;
  /** @param profile may be left out while there is one */
  logout(profile?: string): Promise<AnySnapshot>;
  /** @param profile the first one when left out */
  apis(profile?: string): Promise<readonly ApiInfo[]>;
  /** @param query with `profile`; of the first one without */
  activity(query: Readonly<Record<string, string>>): Promise<AuditPage>;
  keys(): Promise<readonly ToolKey[]>;
  addKey(options: NewToolKey): Promise<MadeToolKey>;
  revokeKey(idOrName: string): Promise<ToolKey>;
  /** A key that lives until its loan is ended, or this process is. */
  lend(options: NewToolKey): Promise<Loan>;
  policy(): Promise<PolicyReport>;
}

/** Who hears how a sign-in goes on. */
export interface LoginListeners {
  readonly onUrl?: (url: string) => void;
  readonly onCode?: (code: DeviceCode) => void;
}

/** The agent's, or that of the profile that was named. */
export type AnySnapshot = AgentSnapshot | ProfileSnapshot;

const answerMs = 30_000;

function of(path: string, profile: string | undefined, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...more, ...(profile === undefined ? {} : { profile }) });
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

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
    profileStatus: (profile) => call('GET', of('/status', profile)),
    logout: (profile) => call('POST', of('/logout', profile)),
    apis: (profile) => call('GET', of('/apis', profile)),
    activity: (query) => call('GET', `/activity?${new URLSearchParams(query).toString()}`),
    keys: () => call('GET', '/keys'),
    addKey: (options) => call('POST', '/keys', options),
    revokeKey: (idOrName) => call('DELETE', `/keys/${encodeURIComponent(idOrName)}`),
    lend: (options) => borrow(address, options),
    policy: () => call('GET', '/policy'),
    async login({ onUrl, onCode }, profile) {
      const path = of('/login', profile, onCode === undefined ? {} : { by: 'device' });
      const response = await open(address, { method: 'POST', path });
      if (response.statusCode !== 200) await readJson(response);
      for await (const line of createInterface({ input: response })) {
        const event = loginEvent.parse(JSON.parse(line));
        if (event.event === 'sign-in-url') onUrl?.(event.url);
        else if (event.event === 'device-code') onCode?.(event);
        else if (event.event === 'failed') throw remoteError(event);
        else return event.snapshot as AnySnapshot;
      }
      throw new AgentError('not_running', 'Latchkey stopped during the sign-in. Start it again.');
    },
  };
}

const loginEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('sign-in-url'), url: z.string() }),
  z.object({
    event: z.literal('device-code'),
    userCode: z.string(),
    url: z.string(),
    completeUrl: z.string().exactOptional(),
    expiresAtMs: z.number(),
  }),
  remoteFault.extend({ event: z.literal('failed') }),
  z.object({ event: z.literal('done'), snapshot: z.unknown() }),
]);
