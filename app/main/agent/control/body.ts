import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { AgentError } from '../errors.ts';

const LARGEST_BYTES = 64 * 1024;
const BODY_WITHIN_MS = 5000;

/**
 * Reads the JSON that a call carries.
 *
 * @param request the call
 * @param schema what it must be
 * @returns the value, checked
 * @throws {AgentError} `bad_usage` when it is too large, too slow, no JSON or not as the schema says
 */
export async function readBody<T extends z.ZodType>(
  request: IncomingMessage,
  schema: T,
): Promise<z.output<T>> {
  const text = await bounded(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad('the body is not JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || 'the body'}: ${message}`,
  );
  throw bad(faults.join('; '));
}

async function bounded(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const late = setTimeout(() => request.destroy(), BODY_WITHIN_MS);
  try {
    for await (const chunk of request) {
      // The rest is not read; its sender is told so all the same.
      bytes += (chunk as Buffer).length;
      if (bytes > LARGEST_BYTES) break;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw new AgentError('bad_usage', 'The body did not come whole.', { cause: error });
  } finally {
    clearTimeout(late);
  }
  if (bytes > LARGEST_BYTES) throw bad(`the body is larger than ${LARGEST_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

function bad(why: string): AgentError {
  return new AgentError('bad_usage', `The running Latchkey cannot do this: ${why}.`);
}
