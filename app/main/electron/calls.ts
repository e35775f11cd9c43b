import { ipcMain } from 'electron';
import type { IpcMainInvokeEvent } from 'electron';
import { callChannel, callNames } from '../ipc/contract.ts';
import type { CallName, Reply } from '../ipc/contract.ts';
import type { Sender } from '../ipc/handlers.ts';

/**
 * Lets the page's calls reach the handlers, with what Electron knows of the sender.
 *
 * @param handle answers one call
 * @param owns whether an id is our window's page
 * @returns stops answering
 */
export function answerCalls(
  handle: (name: CallName, sender: Sender, args: readonly unknown[]) => Promise<Reply<unknown>>,
  owns: (webContentsId: number) => boolean,
): () => void {
  for (const name of callNames) {
    ipcMain.handle(callChannel(name), (event, ...args: unknown[]) =>
      handle(name, senderOf(event, owns), args),
    );
  }
  return () => callNames.forEach((name) => ipcMain.removeHandler(callChannel(name)));
}

function senderOf(event: IpcMainInvokeEvent, owns: (id: number) => boolean): Sender {
  const frame = event.senderFrame;
  return {
    url: frame?.url ?? '',
    isMainFrame: frame !== null && frame === event.sender.mainFrame,
    isOurWindow: owns(event.sender.id),
  };
}
