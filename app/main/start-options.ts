import { parseArgs } from 'node:util';
import { AgentError } from './agent/errors.ts';
import { relayAddress } from './ipc/relay-address.ts';

/** What the command line and environment ask of the app. */
export interface StartOptions {
  /** Overrides the settings' relay for this run. */
  readonly relay?: string;
  readonly dataDir?: string;
  /** Overrides the settings' port for this run; 0 takes any free one. */
  readonly port?: number;
  /** Starts without showing a window, whoever is signed in; the tray tells. Used at login. */
  readonly hidden: boolean;
  /** Whether sign-in pages are opened; without, the person copies their address. */
  readonly browser: boolean;
}

/**
 * Reads the app's own options; Chromium's switches are left to Electron.
 *
 * @param args the arguments after the program's name
 * @returns the options
 * @throws {AgentError} `bad_usage`, naming the option
 */
export function readStartOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    options: {
      relay: { type: 'string' },
      'data-dir': { type: 'string' },
      port: { type: 'string' },
      hidden: { type: 'boolean' },
      'no-browser': { type: 'boolean' },
    },
  });
  const relay = text(values.relay, '--relay');
  const dataDir = text(values['data-dir'], '--data-dir');
  const port = text(values.port, '--port');
  return {
    hidden: values.hidden === true,
    browser: values['no-browser'] !== true,
    ...(relay === undefined ? {} : { relay: relayAddress(relay) }),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(port === undefined ? {} : { port: portNumber(port) }),
  };
}

function text(value: unknown, option: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw new AgentError('bad_usage', `${option} needs a value: ${option}=…`);
  }
  return value;
}

function portNumber(value: string): number {
  const port = /^\d{1,5}$/u.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw new AgentError('bad_usage', '--port must be a number from 0 to 65535.');
}
