import { z } from 'zod';
import { duration, flag, httpUrl, listen, origin, scope, text } from './leaves.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** `management.signIn`: who may look at the console and the audit. */
const signIn = z
  .strictObject({
    issuer: httpUrl,
    clientId: text,
    clientSecretFile: text.optional(),
    clientSecretMethod: z
      .enum(
        ['client_secret_basic', 'client_secret_post'],
        'must be client_secret_basic or client_secret_post',
      )
      .optional(),
    privateKeyFile: text.optional(),
    keyId: text.optional(),
    scopes: z.array(scope, 'must be a list').default(['openid', 'profile', 'email']),
    role: text,
    rolesClaim: text.default('roles'),
    idle: duration(MINUTE_MS, DAY_MS).prefault('15m'),
    session: duration(MINUTE_MS, 7 * DAY_MS).prefault('8h'),
  })
  .check((context) => {
    const { clientSecretFile, clientSecretMethod, privateKeyFile, keyId, scopes } = context.value;
    const fault = (message: string, key: string): void =>
      void context.issues.push({
        code: 'custom',
        message,
        input: context.value,
        path: [key],
      });
    if (clientSecretFile !== undefined && privateKeyFile !== undefined)
      fault(
        'is one way too many to show who the console is; keep one of the two',
        'privateKeyFile',
      );
    if (clientSecretMethod !== undefined && clientSecretFile === undefined)
      fault('says how to send `clientSecretFile`, which is not there', 'clientSecretMethod');
    if (keyId !== undefined && privateKeyFile === undefined)
      fault('names the key of `privateKeyFile`, which is not there', 'keyId');
    if (!scopes.includes('openid'))
      fault('must list `openid`, without which there is no sign-in', 'scopes');
  });

/** `management`: the listener for operators. */
export const managementSchema = z.strictObject({
  listen,
  console: flag.default(true),
  publicUrl: origin.optional(),
  tls: z.strictObject({ certFile: text, keyFile: text }).optional(),
  signIn: signIn.optional(),
});
