import type { AgentHost } from './agent-host.ts';
import type { TrayAction } from './electron/tray-menu.ts';
import { curlLine } from './ipc/curl.ts';

/** What a click in the tray may do. */
export interface TrayPowers {
  readonly host: Pick<AgentHost, 'agent' | 'restart'>;
  copy(text: string): Promise<void>;
  show(): void;
  quit(): void;
}

/**
 * Does what the tray's menu asks for.
 *
 * @param powers the agent, the clipboard, the window and the way out
 * @returns carries out one action; rejects with the agent's error
 */
export function trayActions(powers: TrayPowers): (action: TrayAction) => Promise<void> {
  const { host } = powers;
  const simple: Readonly<
    Record<Exclude<TrayAction['kind'], 'copy'>, () => Promise<unknown> | void>
  > = {
    open: powers.show,
    quit: powers.quit,
    'sign-in': () => host.agent().signIn(),
    'cancel-sign-in': () => host.agent().cancelSignIn(),
    'sign-out': () => host.agent().signOut(),
    retry: () => host.restart(),
  };
  return async (action) => {
    if (action.kind !== 'copy') {
      await simple[action.kind]();
      return;
    }
    const { apis } = host.agent().snapshot();
    const api = apis.find((candidate) => candidate.name === action.api);
    if (api !== undefined) await powers.copy(action.what === 'url' ? api.localUrl : curlLine(api));
  };
}
