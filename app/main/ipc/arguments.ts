import { z } from 'zod';
import { AgentError } from '../agent/errors.ts';
import type { CallName, Calls } from './contract.ts';

const name = z.string().min(1).max(128);
const none = z.tuple([]);

const activityQuery = z.strictObject({
  api: name.optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  requestId: z.string().min(1).max(64).optional(),
  limit: z.int().min(1).max(500).optional(),
  cursor: z.string().min(1).max(512).optional(),
});

const schemas = {
  getSnapshot: none,
  signIn: none,
  cancelSignIn: none,
  openSignInPage: none,
  copySignInPage: none,
  signOut: none,
  refreshApis: none,
  activity: z.tuple([activityQuery]),
  copyApi: z.tuple([name, z.enum(['url', 'curl'])]),
  copyRequestId: z.tuple([z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/u, 'is not a request id')]),
  openDocs: z.tuple([name]),
  setRelay: z.tuple([z.string().min(1).max(2048)]),
  retry: none,
} as const satisfies Record<CallName, z.ZodType>;

/**
 * Checks the arguments of one call from the window; nothing in the page is trusted.
 *
 * @param call the call's name
 * @param args what arrived
 * @returns the same, typed; unknown members are refused, not dropped
 * @throws {AgentError} `bad_usage`, naming the argument
 */
export function parseArguments<K extends CallName>(
  call: K,
  args: readonly unknown[],
): Calls[K]['args'] {
  const result = schemas[call].safeParse(args);
  if (result.success) return result.data as Calls[K]['args'];
  const issue = result.error.issues[0];
  const where = issue?.path.length ? `argument ${issue.path.join('.')}` : 'its arguments';
  throw new AgentError('bad_usage', `${call}: ${where}: ${issue?.message ?? 'not accepted'}`);
}
