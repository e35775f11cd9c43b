import type { AgentSnapshot, Fault, ProfileSnapshot } from './status.ts';
import { AgentError } from './errors.ts';
import { noRelayText, toFault } from './texts.ts';

type Told = Omit<ProfileSnapshot, 'name' | 'title'> & { readonly name?: string };

interface StatusEvent extends Pick<AgentSnapshot, 'status' | 'user' | 'relay' | 'fault'> {
  readonly profile?: string;
  readonly apis: readonly string[];
}

/** The window asks for the address by itself; who reads events has to be told that it is missing. */
function withoutRelay(): Fault {
  return toFault(new AgentError('bad_settings', noRelayText), Date.now());
}

function statusEvent({ name, status, user, relay, apis, fault: own }: Told): StatusEvent {
  const fault = own ?? (relay === undefined ? withoutRelay() : undefined);
  return {
    ...(name === undefined ? {} : { profile: name }),
    status,
    ...(user && { user }),
    ...(relay && { relay }),
    apis: apis.map((api) => api.name),
    ...(fault && { fault }),
  };
}

function listeningEvent(snapshot: AgentSnapshot, localUrl: string): object {
  const { profiles } = snapshot;
  return {
    url: `http://127.0.0.1:${new URL(localUrl).port || '80'}`,
    local: localUrl,
    relay: snapshot.relay,
    version: snapshot.version,
    ...(profiles && {
      profiles: profiles.map(({ name, relay, localUrl: local }) => ({ name, relay, local })),
    }),
  };
}

/**
 * Tells programs what the agent does, one JSON object a line: `listening` when the port is bound,
 * `sign-in-url` once for each attempt, `status` whenever it differs from the last. With several profiles
 * the latter two name theirs.
 *
 * @param write gets each line
 * @returns to be called with every snapshot
 */
export function createAnnouncer(write: (line: string) => void): (snapshot: AgentSnapshot) => void {
  let localUrl: string | undefined;
  const signInUrls = new Map<string | undefined, string | undefined>();
  const lastStatus = new Map<string | undefined, string>();
  const event = (name: string, fields: object): void =>
    write(`${JSON.stringify({ event: name, ...fields })}\n`);

  function announce(told: Told): void {
    const { name, signInUrl } = told;
    if (signInUrl !== undefined && signInUrl !== signInUrls.get(name)) {
      event('sign-in-url', { ...(name === undefined ? {} : { profile: name }), url: signInUrl });
    }
    signInUrls.set(name, signInUrl);
    const fields = statusEvent(told);
    const key = JSON.stringify([fields.status, fields.user, fields.apis, fields.fault?.message]);
    if (key === lastStatus.get(name) || localUrl === undefined) return;
    lastStatus.set(name, key);
    event('status', fields);
  }

  return (snapshot) => {
    if (snapshot.localUrl !== undefined && snapshot.localUrl !== localUrl) {
      event('listening', listeningEvent(snapshot, snapshot.localUrl));
    }
    localUrl = snapshot.localUrl;
    (snapshot.profiles ?? [snapshot]).forEach(announce);
  };
}
