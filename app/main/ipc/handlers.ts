import type { Agent, Profile } from '../agent/agent-interface.ts';
import { AgentError } from '../agent/errors.ts';
import type { AgentSnapshot, ApiInfo } from '../agent/status.ts';
import { parseArguments } from './arguments.ts';
import type { CallName, CallsOf, Reply } from './contract.ts';
import { curlLine } from './curl.ts';
import { doctorCalls, type DoctorDeps } from './doctor-calls.ts';
import { relayAddress } from './relay-address.ts';
import { settingCalls, type SettingDeps } from './setting-calls.ts';
import { toolKeyCalls } from './tool-key-calls.ts';
import { activityView, snapshotView } from './view.ts';

/** What the handlers need of the outside. */
export interface HandlerDeps extends SettingDeps, DoctorDeps {
  /** The running agent; another one after the relay's address or a setting has changed. */
  agent(): Pick<Agent, 'snapshot' | 'profile' | 'keys'>;
  setRelay(url: string): Promise<AgentSnapshot>;
  retry(): Promise<AgentSnapshot>;
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

function implement(deps: HandlerDeps): CallsOf<CallName> {
  const side = (profile?: string): Profile => deps.agent().profile(profile);
  const api = (name: string, profile?: string): ApiInfo =>
    findApi(side(profile).snapshot().apis, name);
  const signInUrl = (profile?: string): string => {
    const url = side(profile).snapshot().signInUrl;
    if (url === undefined) throw new AgentError('bad_usage', 'No sign-in is running. Start one.');
    return url;
  };
  const snapshot = () => snapshotView(deps.agent().snapshot());
  return {
    getSnapshot: snapshot,
    signIn: async (profile) => {
      await side(profile).signIn();
      return snapshot();
    },
    cancelSignIn: (profile) => done(() => side(profile).cancelSignIn()),
    openSignInPage: async (profile) => finished(deps.openBrowser(signInUrl(profile))),
    copySignInPage: async (profile) => finished(deps.copy(signInUrl(profile))),
    signOut: async (profile) => finished(side(profile).signOut()),
    refreshApis: async (profile) => finished(side(profile).refreshApis()),
    activity: (query, profile) => {
      const page = side(profile).activity(query);
      return { ...page, records: page.records.map(activityView) };
    },
    copyApi: async (name, what, profile) => {
      const found = api(name, profile);
      return finished(deps.copy(what === 'url' ? found.localUrl : curlLine(found)));
    },
    copyRequestId: async (requestId) => finished(deps.copy(requestId)),
    openDocs: async (name, profile) => {
      const { docs } = api(name, profile);
      if (docs === undefined) throw new AgentError('bad_usage', `${name} names no documentation.`);
      return finished(deps.openBrowser(docs));
    },
    setRelay: async (url) => snapshotView(await deps.setRelay(relayAddress(url))),
    retry: async () => snapshotView(await deps.retry()),
    ...toolKeyCalls(deps),
    ...settingCalls(deps),
    ...doctorCalls(deps),
  };
}

function checkSender(sender: Sender, pageOrigin: string): void {
  const ours = sender.url === pageOrigin || sender.url.startsWith(`${pageOrigin}/`);
  if (!ours || !sender.isMainFrame || !sender.isOurWindow) {
    throw new AgentError('foreign_origin', 'Only the window of Latchkey may ask this.');
  }
}

function findApi(apis: readonly ApiInfo[], name: string): ApiInfo {
  const api = apis.find((candidate) => candidate.name === name);
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
