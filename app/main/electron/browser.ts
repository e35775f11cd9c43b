import { shell } from 'electron';
import { AgentError } from '../agent/errors.ts';
import { helpAddress } from '../agent/settings/help-address.ts';
import { webAddress } from './web-address.ts';

/**
 * Opens a page in the person's own browser.
 *
 * @param url an http or https address
 * @throws {AgentError} `bad_usage` for every other scheme: the system would start other programs for it
 */
export async function openBrowser(url: string): Promise<void> {
  await shell.openExternal(webAddress(url));
}

/**
 * Opens where IT's policy says to ask: a page or a new mail.
 *
 * @param address an https: or mailto: address
 * @throws {AgentError} `bad_usage` for anything else
 */
export async function openHelp(address: string): Promise<void> {
  const checked = helpAddress(address);
  if (checked === undefined) {
    throw new AgentError('bad_usage', 'Only https: and mailto: addresses are opened for help.');
  }
  await shell.openExternal(checked);
}
