import type { Settings } from './settings.ts';

/** Who manages this computer, as IT's policy says. */
export interface ManagedBy {
  readonly name?: string;
  /** Where to ask: an address or any other text. */
  readonly help?: string;
}

/**
 * Tells who manages this computer.
 *
 * @param settings the user's under IT's policy
 * @returns what policy says; `undefined` where it says neither who nor where to ask
 */
export function managedBy(settings: Pick<Settings, 'get'>): ManagedBy | undefined {
  const [name, help] = [settings.get('managedBy.name'), settings.get('managedBy.help')];
  if (name === undefined && help === undefined) return undefined;
  return { ...(name !== undefined && { name }), ...(help !== undefined && { help }) };
}
