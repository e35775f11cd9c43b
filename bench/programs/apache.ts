import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../demo/child.ts';
import type { StartPeer } from '../peer.ts';

const MODULES = '/usr/lib/apache2/modules';
const NEEDED = ['mpm_event', 'authn_core', 'authz_core', 'auth_openidc', 'proxy', 'proxy_http'];

/** Whether Apache and the module that reads tokens are installed. */
export const hasApache = (): boolean =>
  NEEDED.every((name) => existsSync(join(MODULES, `mod_${name}.so`)));

/** Apache (event, one process of 128 threads) with mod_auth_openidc as resource server. */
export const apache: StartPeer = async (opened, { upstream, authority }) => {
  const name = 'Apache + mod_auth_openidc';
  const [port = 0] = await freePorts(1);
  const dir = await opened.folder();
  const file = join(dir, 'apache.conf');
  const { issuer, audience, scope, publicKeyFile, keyId } = authority;
  await writeFile(
    file,
    `ServerRoot ${dir}
${NEEDED.map((module) => `LoadModule ${module}_module ${join(MODULES, `mod_${module}.so`)}`).join('\n')}
DefaultRuntimeDir ${dir}
PidFile ${join(dir, 'apache.pid')}
ErrorLog ${join(dir, 'error.log')}
LogLevel debug
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 65
Timeout 65
ProxyPass / ${upstream}/ enablereuse=on keepalive=on
OIDCOAuthVerifyCertFiles ${keyId}#${publicKeyFile}
OIDCPassClaimsAs none
<Location />
  AuthType oauth20
  <RequireAll>
    Require claim "iss:${issuer}"
    Require claim "aud:${audience}"
    Require claim "scope~(^| )${scope.replaceAll('.', String.raw`\.`)}( |$)"
  </RequireAll>
</Location>
`,
  );
  const words = ['apache2', '-f', file, '-DFOREGROUND'] as const;
  const { url, pid } = await opened.program('peer', name, port, [...words]);
  return { name, url, pid, isJit: false, refuses: 'bad tokens' };
};
