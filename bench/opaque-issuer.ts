import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { listenOnLoopback } from '../demo/listen.ts';
import type { Opened } from './opened.ts';
import type { Authority } from './tokens.ts';

/**
 * Starts an authorization server whose tokens only it can read (RFC 7662).
 *
 * @param opened what is closed in the end
 * @param usual the issuer whose audience and scope it shares
 * @param count how many tokens
 * @returns its description, and its tokens
 */
export async function createOpaqueAuthority(
  opened: Opened,
  usual: Authority,
  count: number,
): Promise<Authority> {
  const { audience, scope } = usual;
  const tokens = Array.from({ length: count }, () => randomBytes(32).toString('base64url'));
  const users = new Map(tokens.map((token, index) => [token, `user-${index}`]));
  const exp = Math.floor(Date.now() / 1000) + 12 * 3600;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const sub = users.get(form.get('token') ?? '');
      const answer = {
        active: true,
        sub,
        aud: audience,
        client_id: 'latchkey-desktop',
        scope,
        exp,
      };
      const metadata = { issuer: url, introspection_endpoint: `${url}/introspect` };
      const body =
        request.url === '/introspect' ? (sub === undefined ? { active: false } : answer) : metadata;
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  const { url, close } = await listenOnLoopback(server, 0);
  opened.keep(close);
  const isOfAnyKind = ({ what }: Authority['refusals'][number]): boolean =>
    what === 'no token' || what === 'garbage';
  return { ...usual, issuer: url, tokens, refusals: usual.refusals.filter(isOfAnyKind) };
}
