import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { MadeToolKey, NewToolKey } from '../proxy/tool-key.ts';
import type { AgentSnapshot } from '../status.ts';
import { AgentError } from '../errors.ts';
import { open, readJson } from './transport.ts';

/** A borrowed key, and where it opens what. */
export interface Loan extends MadeToolKey, Pick<AgentSnapshot, 'status' | 'apis' | 'profiles'> {
  /** `http://localhost:5390`. */
  readonly localUrl: string;
  /** Resolves when the key has ended, by `end` or because the agent did. */
  readonly ended: Promise<void>;
  /** Gives the key back. */
  end(): void;
}

/**
 * Borrows a key from the running agent; the connection that stays open is what keeps it alive.
 *
 * @param address as from `controlAddress`
 * @param options name and limits of the key
 * @returns the loan
 * @throws {AgentError} `not_running`, or what the agent refused with
 */
export async function borrow(address: string, options: NewToolKey): Promise<Loan> {
  const response = await open(address, { method: 'POST', path: '/lend', body: options });
  if (response.statusCode !== 200) await readJson(response);
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  // The agent's end of the loan is told by `ended`; as an error it would be nobody's.
  response.on('error', () => undefined);
  const terms = JSON.parse(await firstLine(response)) as Omit<Loan, 'ended' | 'end'>;
  return { ...terms, ended, end: () => void response.destroy() };
}

async function firstLine(response: IncomingMessage): Promise<string> {
  const reader = createInterface({ input: response });
  const line = await new Promise<string | undefined>((resolve) => {
    reader.once('line', resolve);
    response.once('close', () => resolve(undefined));
  });
  reader.close();
  // A stream that is not read does not tell its end.
  response.resume();
  if (line !== undefined) return line;
  throw new AgentError('not_running', 'Latchkey stopped before it lent a key. Start it again.');
}
