import aws4 from 'aws4';
import { fieldValues } from '../../../wire/headers.ts';
import type { UpstreamCredentials } from '../../config/api-config.ts';
import { RelayError } from '../../errors.ts';
import type { Credentials, Sent } from './credentials.ts';

type AwsSigV4 = Extract<UpstreamCredentials, { kind: 'awsSigV4' }>;

/** Names, lower case, of the fields that are the signature's own: never a client's. */
export const AWS_FIELDS: readonly string[] = [
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
];

const UNSIGNED = 'UNSIGNED-PAYLOAD';
const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** A body in chunks with a checksum behind them: with another word here S3 would store the chunk heads. */
const UNSIGNED_CHUNKS = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

const bad = (detail: string, cause?: unknown): RelayError =>
  new RelayError('bad_request', detail, { cause });

/** What a client says of its body is only ever held against the body by AWS, so it may be believed. */
function payloadHash({ framing, received }: Sent, isNeeded: boolean): string | undefined {
  if (framing.kind === 'none') return isNeeded ? EMPTY_HASH : undefined;
  const [said, second] = fieldValues(received, 'x-amz-content-sha256');
  if (said === undefined || said === UNSIGNED) return UNSIGNED;
  if (second === undefined && (said === UNSIGNED_CHUNKS || /^[0-9a-f]{64}$/.test(said)))
    return said;
  throw bad(
    `X-Amz-Content-Sha256 must be the body's SHA-256 in hex, ${UNSIGNED} or ${UNSIGNED_CHUNKS}: the relay signs, so no chunk can carry a signature of yours.`,
  );
}

/** Host, Content-Type and what is AWS's own; others may be changed on the way without harm. */
function signedFields({ headers }: Sent): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    if (name !== 'host' && name !== 'content-type' && !name.startsWith('x-amz-')) continue;
    const value = headers[at + 1] as string;
    fields[name] = fields[name] === undefined ? value : `${fields[name]},${value}`;
  }
  return fields;
}

/**
 * Signs requests for AWS. A streamed body is not hashed, so it is declared unsigned unless the
 * client says its hash.
 *
 * @param credentials the key, and the region and service that it signs for
 * @param now epoch ms
 * @returns the signer
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export function createAwsSigner(credentials: AwsSigV4, now: () => number): Credentials {
  const { region, service, accessKeyId, secretAccessKey, sessionToken } = credentials;
  const keys = { accessKeyId, secretAccessKey };
  const isHashNeeded = service === 's3';
  return {
    show(sent) {
      const date = new Date(now()).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
      const own = ['X-Amz-Date', date];
      const hash = payloadHash(sent, isHashNeeded);
      if (hash !== undefined) own.push('X-Amz-Content-Sha256', hash);
      if (sessionToken !== undefined) own.push('X-Amz-Security-Token', sessionToken);
      const headers = signedFields(sent);
      for (let at = 0; at < own.length; at += 2)
        headers[(own[at] as string).toLowerCase()] = own[at + 1] as string;
      const { method, path } = sent;
      const request = { method, path, host: '', service, region, headers };
      let authorization: unknown;
      try {
        authorization = aws4.sign(request, keys).headers?.['Authorization'];
      } catch (error) {
        throw bad(
          'The path cannot be signed for AWS: its escapes must be valid UTF-8 (%C3%A4, not %E4).',
          error,
        );
      }
      return { fields: [...own, 'Authorization', String(authorization)] };
    },
  };
}
