import { shell } from 'electron';
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
