import type { LatchkeyBridge, Reply } from '../main/ipc/contract.ts';

declare global {
  interface Window {
    /** Put there by the preload script. */
    readonly latchkey: LatchkeyBridge;
  }
}

/** A refusal by the main process. */
export class CallError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'CallError';
    this.code = code;
  }
}

/**
 * Unwraps the answer to a call.
 *
 * @param reply what the main process answered
 * @returns its value
 * @throws {CallError} with the code and text of a refusal
 */
export async function valueOf<T>(reply: Promise<Reply<T>>): Promise<T> {
  const answer = await reply;
  if (!answer.ok) throw new CallError(answer.code, answer.message);
  return answer.value;
}

/**
 * Says why a call failed.
 *
 * @param error what it was rejected with
 * @returns words for people
 */
export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong.';
}
