import { ServerResponse } from 'node:http';

const MAX_BODY = 64 * 1024;
const MOST = 50_000;
const TOKEN = /"(?:access_token|refresh_token|id_token|client_secret)"\s*:\s*"([^"]{20,})"/g;
const CODE = /[?&]code=([\w.~-]{20,})/;

/**
 * Learns the secrets that this process issues as an identity provider: whatever its servers answer as a
 * token, a client's secret or an authorization code. Opaque ones look like any other word.
 *
 * @returns the secrets so far
 */
export function learnIssued(): ReadonlySet<string> {
  const issued = new Set<string>();
  const learn = (secret: string | undefined): void => {
    if (secret !== undefined && /^[\w-]+$/.test(secret) && issued.size < MOST) issued.add(secret);
  };
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function learning(this: ServerResponse, ...args: unknown[]) {
    const [body] = args;
    const isText = typeof body === 'string' || Buffer.isBuffer(body);
    if (
      isText &&
      body.length <= MAX_BODY &&
      (body.includes('_token"') || body.includes('client_secret'))
    )
      for (const [, secret] of body.toString().matchAll(TOKEN)) learn(secret);
    learn(CODE.exec(String(this.getHeader('location') ?? ''))?.[1]);
    return Reflect.apply(end, this, args) as ServerResponse;
  } as typeof end;
  return issued;
}
