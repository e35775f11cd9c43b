import { z } from 'zod';
import { checked, duration, headerName, httpUrl, scope, text } from './leaves.ts';

const AUTHENTICATION = ['clientSecretFile', 'privateKeyFile', 'clientCertificate'] as const;
const KINDS = [
  'basic',
  'bearerFile',
  'header',
  'clientCertificate',
  'awsSigV4',
  'clientCredentials',
  'tokenExchange',
] as const;

const certificate = z.strictObject({ certFile: text, keyFile: text });
const word = checked((value) =>
  /^[A-Za-z0-9_./+=-]+$/.test(value) ? undefined : 'must be letters, digits and - _ . / + =',
);

/** How the relay shows whoever is asked for a token who it is; exactly one of three. */
const tokenEndpoint = z
  .strictObject({
    tokenEndpoint: httpUrl,
    clientId: text,
    clientSecretFile: text.optional(),
    privateKeyFile: text.optional(),
    keyId: text.optional(),
    clientCertificate: certificate.optional(),
    scopes: z.array(scope, 'must be a list of scopes').default([]),
    resource: text.optional(),
    audience: text.optional(),
    timeout: duration(1, 60_000).prefault('5s'),
  })
  .check((context) => {
    const { value } = context;
    if (AUTHENTICATION.filter((name) => value[name] !== undefined).length !== 1)
      context.issues.push({
        code: 'custom',
        message: `must have exactly one of ${AUTHENTICATION.join(', ')}, by which the relay shows who it is`,
        input: value,
      });
    if (value.keyId !== undefined && value.privateKeyFile === undefined)
      context.issues.push({
        code: 'custom',
        message: 'names the key of `privateKeyFile`, which is not there',
        input: value,
        path: ['keyId'],
      });
  });

/** What {@link tokenEndpoint} makes of a block without faults. */
export type TokenEndpointFile = z.output<typeof tokenEndpoint>;

/** `apis.*.request.credentials`: exactly one kind. */
export const credentialsSchema = z
  .strictObject({
    basic: z
      .strictObject({
        username: checked((value) =>
          /^[\x20-\x39\x3b-\x7e]+$/.test(value)
            ? undefined
            : 'must be visible ASCII without a colon',
        ),
        passwordFile: text,
      })
      .optional(),
    bearerFile: text.optional(),
    header: z.strictObject({ name: headerName, valueFile: text }).optional(),
    clientCertificate: certificate.optional(),
    awsSigV4: z
      .strictObject({
        region: word,
        service: word,
        accessKeyId: word,
        secretAccessKeyFile: text,
        sessionTokenFile: text.optional(),
      })
      .optional(),
    clientCredentials: tokenEndpoint.optional(),
    tokenExchange: tokenEndpoint.optional(),
  })
  .check((context) => {
    if (Object.keys(context.value).length !== 1)
      context.issues.push({
        code: 'custom',
        message: `must have exactly one of ${KINDS.join(', ')}`,
        input: context.value,
      });
  });

/** What {@link credentialsSchema} makes of a block without faults. */
export type CredentialsFile = z.output<typeof credentialsSchema>;
