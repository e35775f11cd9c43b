import type { ServerResponse } from 'node:http';
import { AgentError } from '../errors.ts';
import { controlVersion, versionHeader } from './address.ts';

const headers = { [versionHeader]: controlVersion, 'Cache-Control': 'no-store' };

/**
 * Answers a call with one JSON value.
 *
 * @param response the answer
 * @param value anything that JSON can carry
 */
export function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

/**
 * Begins an answer of one JSON object a line.
 *
 * @param response the answer
 */
export function beginLines(response: ServerResponse): void {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/x-ndjson' });
}

/**
 * Writes one line of such an answer, unless its reader has left.
 *
 * @param response the answer
 * @param value anything that JSON can carry
 */
export function line(response: ServerResponse, value: unknown): void {
  if (!response.destroyed) response.write(`${JSON.stringify(value)}\n`);
}

/**
 * Answers a call that failed.
 *
 * @param response the answer
 * @param error whatever was thrown
 */
export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof AgentError ? error.status : 500;
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(publicError(error)));
}

/**
 * Tells a failure without what only the log may know.
 *
 * @param error whatever was thrown
 * @returns code and words for people
 */
export function publicError(error: unknown): { code: string; message: string } {
  if (error instanceof AgentError) return { code: error.code, message: error.message };
  return { code: 'internal', message: 'Something went wrong. The log of Latchkey says more.' };
}
