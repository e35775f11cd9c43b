import { z } from 'zod';
import { AgentError } from '../agent/errors.ts';
import { type CallName, type Calls } from './contract.ts';
import { editableKeys } from './setting-views.ts';

const name = z.string().min(1).max(128);
const none = z.tuple([]);
/** Left out or given, never `undefined`: what a page says without saying it is not guessed at. */
const profile = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62})$/u, 'is not a profile')
  .exactOptional();
const ofProfile = z.tuple([profile]);

const activityQuery = z.strictObject({
  api: name.optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  requestId: z.string().min(1).max(64).optional(),
  limit: z.int().min(1).max(500).optional(),
  cursor: z.string().min(1).max(512).optional(),
});

const names = z.array(name).min(1).max(100).exactOptional();
const newToolKey = z.strictObject({
  name: z.string().max(256),
  apis: names,
  methods: names,
  readOnly: z.boolean().exactOptional(),
  expiresInMs: z.number().exactOptional(),
});
const toolKeyId = z.string().regex(/^key_[0-9a-f]{12}$/u, 'is not the id of a key');
const toolKeySecret = z.string().regex(/^lk_[A-Za-z0-9_-]{43}$/u, 'is not the secret of a key');

const longestText = 2048;
const settingInput = z.union([
  z.string().max(longestText),
  z.number(),
  z.boolean(),
  z.array(z.string().max(longestText)).max(100),
  z.null(),
]);

const schemas = {
  getSnapshot: none,
  signIn: ofProfile,
  cancelSignIn: ofProfile,
  openSignInPage: ofProfile,
  copySignInPage: ofProfile,
  signOut: ofProfile,
  refreshApis: ofProfile,
  activity: z.tuple([activityQuery, profile]),
  copyApi: z.tuple([name, z.enum(['url', 'curl']), profile]),
  copyRequestId: z.tuple([z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/u, 'is not a request id')]),
  openDocs: z.tuple([name, profile]),
  setRelay: z.tuple([z.string().min(1).max(2048)]),
  retry: none,
  toolKeys: none,
  addToolKey: z.tuple([newToolKey]),
  copyToolKey: z.tuple([toolKeyId, toolKeySecret, z.enum(['secret', 'curl'])]),
  revokeToolKey: z.tuple([toolKeyId]),
  settings: none,
  saveSetting: z.tuple([z.enum(editableKeys), settingInput]),
  openHelp: none,
  diagnose: ofProfile,
  copyDiagnosis: ofProfile,
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
