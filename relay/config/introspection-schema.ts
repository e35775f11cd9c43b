import { z } from 'zod';
import { duration, httpUrl, text } from './leaves.ts';

const HOUR_MS = 3_600_000;
const AUTHENTICATION = ['clientSecretFile', 'privateKeyFile', 'clientCertificate'] as const;

/** `issuers.*.introspection`: how opaque tokens are asked about (RFC 7662). */
export const introspectionSchema = z
  .strictObject({
    clientId: text,
    clientSecretFile: text.optional(),
    privateKeyFile: text.optional(),
    keyId: text.optional(),
    clientCertificate: z.strictObject({ certFile: text, keyFile: text }).optional(),
    endpoint: httpUrl.optional(),
    cache: duration(0, HOUR_MS).prefault('30s'),
    negativeCache: duration(0, 60_000).prefault('5s'),
    timeout: duration(1, 60_000).prefault('5s'),
  })
  .check((context) => {
    const given = AUTHENTICATION.filter((name) => context.value[name] !== undefined);
    if (given.length !== 1)
      context.issues.push({
        code: 'custom',
        message: `must have exactly one of ${AUTHENTICATION.join(', ')}, by which the relay shows the issuer who it is`,
        input: context.value,
      });
    if (context.value.keyId !== undefined && context.value.privateKeyFile === undefined)
      context.issues.push({
        code: 'custom',
        message: 'names the key of `privateKeyFile`, which is not there',
        input: context.value,
        path: ['keyId'],
      });
  });
