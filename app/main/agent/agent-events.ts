import type { Agent } from './agent-interface.ts';
import type { AgentSnapshot } from './status.ts';
import { inOrder } from './in-order.ts';

/** Who is told of changes. */
export interface AgentEvents extends Pick<Agent, 'onChange'> {
  /** Something may have changed; listeners hear of it when it shows. */
  changed(): void;
}

/**
 * Makes the list of listeners.
 *
 * @param snapshot what there is to see now
 * @returns the list, empty
 */
export function createAgentEvents(snapshot: () => AgentSnapshot): AgentEvents {
  const listeners = new Set<Parameters<Agent['onChange']>[0]>();
  const tell = inOrder((next: AgentSnapshot) => listeners.forEach((listener) => listener(next)));
  let shown = '';
  return {
    changed() {
      const next = snapshot();
      const text = JSON.stringify(next);
      if (text === shown) return;
      shown = text;
      tell(next);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
