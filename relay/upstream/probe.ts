import http from 'node:http';
import https from 'node:https';
import type { Target } from './target.ts';

/** Asks an address whether it is well, on a connection of its own. */
export interface Probe {
  /** Resolves with what is wrong, or undefined when nothing is; never rejects. */
  ask(): Promise<string | undefined>;
  /** Gives the present question up. */
  abort(): void;
}

function open(target: Target, path: string): http.ClientRequest {
  const { address, tls, resolver } = target;
  const options: https.RequestOptions = {
    method: 'GET',
    path,
    // Its own connection each time: one that is kept would not show that new ones are refused.
    agent: false,
    headers: { Host: address.host, 'User-Agent': 'latchkey-health', Connection: 'close' },
    ...(address.socketPath === undefined
      ? { host: address.hostname, port: address.port }
      : { socketPath: address.socketPath }),
    ...(resolver === undefined ? {} : { lookup: resolver.lookup }),
  };
  if (tls === undefined) return http.request(options);
  return https.request({ ...options, ...tls, minVersion: 'TLSv1.2' } as https.RequestOptions);
}

/**
 * Prepares the probe of an address. It knocks where requests go, with the same TLS, name and socket,
 * and carries no credentials.
 *
 * @param target the address
 * @param health `path` on the upstream itself, any 2xx is well; `timeoutMs` of the whole question
 * @returns the probe
 */
export function createProbe(
  target: Target,
  health: { readonly path: string; readonly timeoutMs: number },
): Probe {
  let asked: http.ClientRequest | undefined;
  return {
    ask: () =>
      new Promise((resolve) => {
        let request: http.ClientRequest;
        try {
          request = open(target, health.path);
        } catch (error) {
          resolve((error as Error).message);
          return;
        }
        asked = request;
        const timer = setTimeout(() => end('no answer in time'), health.timeoutMs);
        const end = (problem: string | undefined): void => {
          clearTimeout(timer);
          request.destroy();
          resolve(problem);
        };
        request.on('response', (answer) => {
          const { statusCode = 0 } = answer;
          // Its body is of no interest, nor is how that breaks off.
          answer.on('error', () => {});
          end(statusCode >= 200 && statusCode < 300 ? undefined : `status ${statusCode}`);
        });
        request.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
        request.on('close', () => end('no answer'));
        request.end();
      }),
    abort() {
      asked?.destroy();
    },
  };
}
