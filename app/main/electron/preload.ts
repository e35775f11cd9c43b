import { contextBridge, ipcRenderer } from 'electron';
import type { IpcRendererEvent } from 'electron';
import { callChannel, callNames, eventChannel, eventNames } from '../ipc/contract.ts';
import type { EventName } from '../ipc/contract.ts';

const calls = Object.fromEntries(
  callNames.map((name) => [
    name,
    (...args: unknown[]): Promise<unknown> => ipcRenderer.invoke(callChannel(name), ...args),
  ]),
);

const on = Object.fromEntries(eventNames.map((name) => [name, subscriber(name)]));

// The page gets these functions and nothing else: no channel names, no event objects.
contextBridge.exposeInMainWorld('latchkey', { ...calls, on });

function subscriber(name: EventName): (listener: (value: unknown) => void) => () => void {
  return (listener) => {
    const relayed = (_event: IpcRendererEvent, value: unknown): void => listener(value);
    ipcRenderer.on(eventChannel(name), relayed);
    return () => {
      ipcRenderer.off(eventChannel(name), relayed);
    };
  };
}
