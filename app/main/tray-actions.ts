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
  return async (action) => {
    switch (action.kind) {
      case 'open':
        return powers.show();
      case 'quit':
        return powers.quit();
      case 'sign-in':
        return void (await host.agent().profile(action.profile).signIn());
      case 'cancel-sign-in':
        return host.agent().profile(action.profile).cancelSignIn();
      case 'sign-out':
        return host.agent().profile(action.profile).signOut();
      case 'retry':
        return void (await host.restart());
      case 'copy': {
        const { apis } = host.agent().profile(action.profile).snapshot();
        const api = apis.find((candidate) => candidate.name === action.api);
        if (api === undefined) return;
        return powers.copy(action.what === 'url' ? api.localUrl : curlLine(api));
      }
    }
  };
}
