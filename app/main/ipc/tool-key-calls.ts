import type { Agent } from '../agent/agent-interface.ts';
import { AgentError } from '../agent/errors.ts';
import type { ToolKey } from '../agent/proxy/tool-key.ts';
import type { Settings } from '../agent/settings/settings.ts';
import type { CallsOf } from './contract.ts';
import type { ToolKeyView, ToolKeysView } from './tool-key-views.ts';
import { keyedCurlLine } from './curl.ts';
import { keyScopes } from './scoped-apis.ts';

/** What calls about tool keys need of the outside. */
export interface ToolKeyDeps {
  agent(): Pick<Agent, 'snapshot' | 'keys'>;
  settings(): Settings;
  copy(text: string): Promise<void>;
}

type ToolKeyCall = 'toolKeys' | 'addToolKey' | 'copyToolKey' | 'revokeToolKey';

/**
 * Makes the calls about tool keys.
 *
 * @param deps the keys, whether they are needed, the clipboard
 * @returns the calls by name
 */
export function toolKeyCalls(deps: ToolKeyDeps): CallsOf<ToolKeyCall> {
  const list = (): ToolKeysView => ({
    atMs: Date.now(),
    keys: deps.agent().keys.list().map(toolKeyView),
    apis: keyScopes(deps.agent().snapshot()),
    ...need(deps.settings()),
  });
  const curl = (key: ToolKey, secret: string): string =>
    keyedCurlLine(deps.agent().snapshot(), key, secret);
  return {
    toolKeys: list,
    addToolKey(options) {
      const { key, secret } = deps.agent().keys.add(options);
      return { key: toolKeyView(key), secret, curl: curl(key, secret) };
    },
    async copyToolKey(id, secret, what) {
      const key = deps
        .agent()
        .keys.list()
        .find((one) => one.id === id);
      if (key === undefined) throw new AgentError('unknown_key', 'There is no such key any more.');
      await deps.copy(what === 'secret' ? secret : curl(key, secret));
      return null;
    },
    revokeToolKey(id) {
      deps.agent().keys.revoke(id);
      return list();
    },
  };
}

function need(settings: Settings): Pick<ToolKeysView, 'required' | 'requiredByPolicy'> {
  const required = settings.get('guard.requireToolKeys');
  const setting = settings.effective().find(({ key }) => key === 'guard.requireToolKeys');
  return { required, requiredByPolicy: required && setting?.locked === true };
}

/** Listed, so that nothing more reaches the window. Tools name themselves: what turns text around is left out. */
function toolKeyView(key: ToolKey): ToolKeyView {
  const { id, name, apis, methods, readOnly, createdAt, expiresAt, lastUsedAt, lastTool } = key;
  return {
    id,
    name,
    createdAt,
    ...(apis && { apis }),
    ...(methods && { methods }),
    ...(readOnly && { readOnly }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
    ...(lastTool !== undefined && { lastTool: lastTool.replaceAll(/\p{C}/gu, '') }),
    ...(key.lent && { lent: true }),
  };
}
