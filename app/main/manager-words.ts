import { outsideText } from '../../ui/outside-text.ts';
import { managedBy } from './agent/settings/managed-by.ts';
import type { Settings } from './agent/settings/settings.ts';

type Read = Pick<Settings, 'get'>;

/**
 * Names who locks settings on this computer.
 *
 * @param settings the user's under IT's policy
 * @returns `Acme IT`, or words that are right everywhere
 */
export function managerWords(settings: Read): string {
  const name = managedBy(settings)?.name;
  return name === undefined ? 'your IT department' : outsideText(name);
}

/**
 * Says whom to ask about a setting that is locked.
 *
 * @param settings the user's under IT's policy
 * @returns `ask them`, with the place where policy names one
 */
export function askWords(settings: Read): string {
  const help = managedBy(settings)?.help;
  return help === undefined ? 'ask them' : `ask them (${outsideText(help)})`;
}
