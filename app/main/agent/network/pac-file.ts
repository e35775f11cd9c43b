import { createReadStream } from 'node:fs';
import { request as requestPlain } from 'node:http';
import { request as requestSecure, type RequestOptions } from 'node:https';
import type { Readable } from 'node:stream';
import { NetworkError } from './network-error.ts';
import type { Trust } from './trust.ts';

const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 5_000;

/**
 * Reads a proxy script; never through a proxy, and without following redirects.
 *
 * @param address https, http on this computer, or file
 * @param trust which servers are believed
 * @param timeoutMs of the whole, in ms
 * @returns its text
 * @throws {NetworkError} when it is not there, too large or too slow; or what the transport threw
 */
export async function readPacFile(
  address: URL,
  trust: Trust,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const { signal } = abort;
    return await collect(
      address.protocol === 'file:'
        ? createReadStream(address, { signal })
        : await get(address, trust, signal),
    );
  } catch (error) {
    if (abort.signal.aborted) throw new NetworkError('no answer in time', { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function get(address: URL, trust: Trust, signal: AbortSignal): Promise<Readable> {
  const secure = address.protocol === 'https:';
  const options = {
    agent: false as const,
    signal,
    headers: { accept: 'application/x-ns-proxy-autoconfig, */*', 'accept-encoding': 'identity' },
  };
  return new Promise((resolve, reject) => {
    const request = secure
      ? requestSecure(address, secured(options, trust))
      : requestPlain(address, options);
    request.on('error', reject);
    request.on('response', (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.destroy();
      reject(new NetworkError(`it answers ${response.statusCode}`));
    });
    request.end();
  });
}

/** It goes to `tls.connect`, which the types of a request do not say. */
function secured(options: RequestOptions, trust: Trust): RequestOptions {
  return Object.assign({ secureContext: trust.secureContext() }, options);
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new NetworkError('it is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
