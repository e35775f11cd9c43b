import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../demo/child.ts';
import type { Opened } from '../opened.ts';
import type { Peer, Setting, StartPeer } from '../peer.ts';

const escaped = (text: string): string => text.replaceAll('.', String.raw`\.`);

/** Checks that stop at the first that does not hold; HAProxy verifies each request anew. */
function jwtRules({ issuer, audience, scope, publicKeyFile }: Setting['authority']): string {
  return `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str ${issuer} }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.aud') -m str ${audience} }
  http-request set-var(txn.now) date()
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(RS256,"${publicKeyFile}") -m int 1 }
  http-request deny deny_status 403 unless { var(txn.bearer),jwt_payload_query('$.scope') -m reg (^|\\ )${escaped(scope)}(\\ |$) }
  http-request del-header authorization`;
}

async function start(opened: Opened, setting: Setting, name: string, rules: string): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const file = join(await opened.folder(), 'haproxy.cfg');
  await writeFile(
    file,
    `global
  nbthread 1
  maxconn 9500
defaults
  mode http
  timeout connect 3s
  timeout client 65s
  timeout server 65s
  timeout http-keep-alive 65s
  timeout tunnel 1h
  option http-keep-alive
  option forwardfor
  http-reuse always
frontend public
  bind 127.0.0.1:${port}${rules}
  default_backend upstream
backend upstream
  server one ${new URL(setting.upstream).host}
`,
  );
  const { url, pid } = await opened.program('peer', name, port, ['haproxy', '-db', '-f', file]);
  const refuses = rules === '' ? 'nothing' : 'bad tokens';
  return { name, url, pid, isJit: false, refuses };
}

/** HAProxy with jwt_verify: what ratios are against. */
export const haproxy: StartPeer = (opened, setting) =>
  start(opened, setting, 'HAProxy + jwt_verify', jwtRules(setting.authority));

/** HAProxy without any check. */
export const haproxyPlain: StartPeer = (opened, setting) =>
  start(opened, setting, 'HAProxy plain', '');
