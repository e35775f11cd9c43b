import { clipboard } from 'electron';

/**
 * Puts a text on the clipboard.
 *
 * @param text what to paste later
 */
export async function copyText(text: string): Promise<void> {
  await clipboard.writeText(text);
}
