import { AgentError } from '../errors.ts';
import type { ToolKeyCheck } from './proxy-deps.ts';
import type { KeyedCall, KeyVerdict, ToolKey, ToolKeys } from './tool-key.ts';
import { presentedKeys } from './tool-key-presented.ts';
import { toolName } from './transform.ts';

function granted(verdict: KeyVerdict): ToolKey {
  if (verdict.kind === 'ok') return verdict.key;
  throw new AgentError('tool_key', verdict.detail);
}

/**
 * Makes the check of tools' keys at the door. A key that is shown must be good, even where none is needed.
 *
 * @param keys the named keys, and those lent to runs
 * @param isRequired whether every tool must show one
 * @returns the check
 */
export function createToolKeyCheck(
  keys: Pick<ToolKeys, 'check'>,
  isRequired: boolean,
): ToolKeyCheck {
  return {
    check(request, method) {
      const presented = presentedKeys(request.rawHeaders);
      if (presented.length === 0 && !isRequired) return undefined;
      const call: KeyedCall = {
        method,
        upgrade: request.headers.upgrade !== undefined,
        tool: toolName(request.rawHeaders),
      };
      const verdict = keys.check(presented, call);
      // Which API it is for, is known only later.
      const isForSome = verdict.kind === 'refused' && verdict.why === 'api';
      const key = isForSome && verdict.key !== undefined ? verdict.key : granted(verdict);
      return {
        name: key.name,
        checkApi: (api) => void (key.apis && granted(keys.check(presented, { ...call, api }))),
      };
    },
  };
}
