import type { AgentSnapshot } from './status.ts';

interface StatusEvent extends Pick<AgentSnapshot, 'status' | 'user' | 'relay' | 'fault'> {
  readonly apis: readonly string[];
}

function statusEvent(snapshot: AgentSnapshot): StatusEvent {
  const { status, user, relay, fault } = snapshot;
  return {
    status,
    ...(user && { user }),
    ...(relay && { relay }),
    apis: snapshot.apis.map((api) => api.name),
    ...(fault && { fault }),
  };
}

function listeningEvent(snapshot: AgentSnapshot, localUrl: string): object {
  return {
    url: `http://127.0.0.1:${new URL(localUrl).port || '80'}`,
    local: localUrl,
    relay: snapshot.relay,
    version: snapshot.version,
  };
}

/**
 * Tells programs what the agent does, one JSON object a line: `listening` when the port is bound,
 * `sign-in-url` once for each attempt, `status` whenever it differs from the last.
 *
 * @param write gets each line
 * @returns to be called with every snapshot
 */
export function createAnnouncer(write: (line: string) => void): (snapshot: AgentSnapshot) => void {
  let localUrl: string | undefined;
  let signInUrl: string | undefined;
  let lastStatus = '';
  const event = (name: string, fields: object): void =>
    write(`${JSON.stringify({ event: name, ...fields })}\n`);
  return (snapshot) => {
    if (snapshot.localUrl !== undefined && snapshot.localUrl !== localUrl) {
      event('listening', listeningEvent(snapshot, snapshot.localUrl));
    }
    localUrl = snapshot.localUrl;
    if (snapshot.signInUrl !== undefined && snapshot.signInUrl !== signInUrl) {
      event('sign-in-url', { url: snapshot.signInUrl });
    }
    signInUrl = snapshot.signInUrl;
    const fields = statusEvent(snapshot);
    const key = JSON.stringify([fields.status, fields.user, fields.apis, fields.fault?.message]);
    if (key === lastStatus || snapshot.localUrl === undefined) return;
    lastStatus = key;
    event('status', fields);
  };
}
