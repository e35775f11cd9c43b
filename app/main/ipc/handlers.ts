import type { Agent } from '../agent/agent-interface.ts';
import { AgentError } from '../agent/errors.ts';
import type { AgentSnapshot, ApiInfo } from '../agent/status.ts';
import { parseArguments } from './arguments.ts';
import type { CallName, Calls, Reply } from './contract.ts';
import { curlLine } from './curl.ts';
import { relayAddress } from './relay-address.ts';
import { activityView, snapshotView } from './view.ts';

/** What the handlers need of the outside. */
export interface HandlerDeps {
  /** The running agent; another one after the relay's address has changed. */
  agent(): Pick<
    Agent,
    'snapshot' | 'signIn' | 'cancelSignIn' | 'signOut' | 'refreshApis' | 'activity'
  >;
  setRelay(url: string): Promise<AgentSnapshot>;
  retry(): Promise<AgentSnapshot>;
  copy(text: string): Promise<void>;
  openBrowser(url: string): Promise<void>;
  /** Gets what no person is told: the cause of an internal fault. */
  onError(call: CallName, error: unknown): void;
}

/** Answers one call from the window. */
export type Handler = (args: readonly unknown[]) => Promise<Reply<unknown>>;

/** Where a call comes from, as Electron tells. */
export interface Sender {
  readonly url: string;
  readonly isMainFrame: boolean;
  readonly isOurWindow: boolean;
}

type Implementations = {
  readonly [K in CallName]: (
    ...args: Calls[K]['args']
  ) => Promise<Calls[K]['result']> | Calls[K]['result'];
};

/**
 * Makes the function that answers a call from the window. Sender and arguments are checked before
 * anything runs; errors cross as values.
 *
 * @param deps the agent and the few powers that calls need
 * @param pageOrigin the only origin that may call, as `scheme://host`
 * @returns answers one call by name; never rejects
 */
export function createHandlers(
  deps: HandlerDeps,
  pageOrigin: string,
): (name: CallName, sender: Sender, args: readonly unknown[]) => Promise<Reply<unknown>> {
  const implementations = implement(deps);
  return async (name, sender, args) => {
    try {
      checkSender(sender, pageOrigin);
      const checked = parseArguments(name, args) as never[];
      const implementation = implementations[name] as (...args: never[]) => unknown;
      return { ok: true, value: await implementation(...checked) };
    } catch (error) {
      if (!(error instanceof AgentError)) {
        deps.onError(name, error);
        return { ok: false, code: 'internal', message: 'Something went wrong; the log says what.' };
      }
      return { ok: false, code: error.code, message: error.message };
    }
  };
}

function implement(deps: HandlerDeps): Implementations {
  const api = (name: string): ApiInfo => findApi(deps.agent().snapshot(), name);
  const signInUrl = (): string => {
    const url = deps.agent().snapshot().signInUrl;
    if (url === undefined) throw new AgentError('bad_usage', 'No sign-in is running. Start one.');
    return url;
  };
  return {
    getSnapshot: () => snapshotView(deps.agent().snapshot()),
    signIn: async () => snapshotView(await deps.agent().signIn()),
    cancelSignIn: () => done(() => deps.agent().cancelSignIn()),
    openSignInPage: async () => finished(deps.openBrowser(signInUrl())),
    copySignInPage: async () => finished(deps.copy(signInUrl())),
    signOut: async () => finished(deps.agent().signOut()),
    refreshApis: async () => finished(deps.agent().refreshApis()),
    activity: (query) => {
      const page = deps.agent().activity(query);
      return { ...page, records: page.records.map(activityView) };
    },
    copyApi: async (name, what) =>
      finished(deps.copy(what === 'url' ? api(name).localUrl : curlLine(api(name)))),
    copyRequestId: async (requestId) => finished(deps.copy(requestId)),
    openDocs: async (name) => {
      const { docs } = api(name);
      if (docs === undefined) throw new AgentError('bad_usage', `${name} names no documentation.`);
      return finished(deps.openBrowser(docs));
    },
    setRelay: async (url) => snapshotView(await deps.setRelay(relayAddress(url))),
    retry: async () => snapshotView(await deps.retry()),
  };
}

function checkSender(sender: Sender, pageOrigin: string): void {
  const ours = sender.url === pageOrigin || sender.url.startsWith(`${pageOrigin}/`);
  if (!ours || !sender.isMainFrame || !sender.isOurWindow) {
    throw new AgentError('foreign_origin', 'Only the window of Latchkey may ask this.');
  }
}

function findApi(snapshot: AgentSnapshot, name: string): ApiInfo {
  const api = snapshot.apis.find((candidate) => candidate.name === name);
  if (api === undefined) throw new AgentError('unknown_api', `There is no API named ${name}.`);
  return api;
}

function done(action: () => void): null {
  action();
  return null;
}

async function finished(work: Promise<unknown>): Promise<null> {
  await work;
  return null;
}
